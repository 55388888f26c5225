"""How many crops per second are read from a pack in shuffled batches, which limits how fast a network can train.

Synthetic crops, 112 x 112 x 3, in shards as `mien data prepare` writes them and in one file as the other commands do,
are read with their labels by Mixing in the order of training: each row once per pass, at random. One thread reads, as
in a training run. The goal is at least 3,000 crops per second on two cores. The files have just been written, so the
system has them in memory if it can: the speed of the disk is not measured. Prints the speeds and writes
benchmarks/results/crop_reading.json.

    python benchmarks/crop_reading.py [--crops 20000] [--batch 128]
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from mien.learn.data.batches.mixing import LabelledSet, Mixing
from mien.learn.data.manifest import MANIFEST, PACK, read_manifest, write_manifest
from mien.learn.data.manifest.shards import SHARDS, shard_path
from mien.tasks import ACTION_UNITS, EXPRESSION, FACE

RESULTS = Path(__file__).parent / "results" / "crop_reading.json"
GOAL = 3000
SHARD = 4096


def make_manifest(folder: Path, count: int, *, shards: bool) -> Path:
    """Write a manifest with ``count`` crops of noise and a third of the labels missing."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    if shards:
        (folder / SHARDS).mkdir()
        for number, start in enumerate(range(0, count, SHARD)):
            size = min(SHARD, count - start)
            np.save(shard_path(folder / SHARDS, number), generator.integers(0, 256, (size, 112, 112, 3), np.uint8))
    else:
        pack = np.lib.format.open_memmap(folder / PACK, mode="w+", dtype=np.uint8, shape=(count, 112, 112, 3))
        for start in range(0, count, SHARD):
            pack[start : start + SHARD] = generator.integers(0, 256, pack[start : start + SHARD].shape, np.uint8)
    rows = [
        {
            "path": f"{row}.png",
            "split": "train",
            "crop": row,
            "expression": EXPRESSION.labels[row % 7] if row % 3 else None,
            "valence": row / count,
            **{unit: float(row % 2) for unit in ACTION_UNITS.labels},
        }
        for row in range(count)
    ]
    write_manifest(folder / MANIFEST, rows, FACE, {})
    return folder


def measure(folder: Path, batch: int) -> dict[str, int]:
    """The crops per second in the first pass, over freshly mapped files, and in the second."""
    manifest = read_manifest(folder)
    mixing = Mixing([LabelledSet(manifest, None, batch)], FACE, 0)
    speeds = {}
    for epoch, name in enumerate(("first pass", "second pass")):
        start, seen = time.perf_counter(), 0
        for step in range(epoch * mixing.steps_per_epoch, (epoch + 1) * mixing.steps_per_epoch):
            seen += len(mixing.batch(step))
        speeds[name] = round(seen / (time.perf_counter() - start))
        assert seen == len(manifest)
    return speeds


def main() -> None:
    """Measure both kinds of packs, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    results = {}
    for name, shards in (("shards", True), ("one file", False)):
        with tempfile.TemporaryDirectory() as folder:
            results[name] = measure(make_manifest(Path(folder) / "set", options.crops, shards=shards), options.batch)
        speeds = ", ".join(f"{speed} in the {which}" for which, speed in results[name].items())
        print(f"{name}: crops per second: {speeds} (goal: {GOAL})")
    setting = {
        "crops": options.crops,
        "batch": options.batch,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "machine": platform.machine(),
        "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"setting": setting, "goal": GOAL, "crops_a_second": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
