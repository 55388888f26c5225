"""The time per face of the bundled networks, as a ratio to a ResNet-18 on the same machine.

The ResNet-18 is untrained, at 112 x 112, as `mien export` writes it: its time depends only on its shape. All run in
ONNX Runtime, alternately, with one face and 32 faces at once, on one thread and on two; the medians are reported.
Prints a table and writes benchmarks/results/network_latency.json, which the model card reads.

    python benchmarks/network_latency.py [--turns 30]
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

from mien.annotate.model import Model
from mien.learn.data.manifest import MANIFEST, PACK, write_manifest
from mien.learn.export.onnx_file import export
from mien.learn.recipe import parse
from mien.learn.train.trainer import Trainer
from mien.tasks import FACE

RESULTS = Path(__file__).parent / "results" / "network_latency.json"
WEIGHTS = Path(__file__).parents[1] / "src/mien/weights"
BATCHES, THREADS = (1, 32), (1, 2)


def resnet18(folder: Path) -> Path:
    """Export a ResNet-18 with the label space of faces."""
    np.save(folder / PACK, np.zeros((4, 112, 112, 1), np.uint8))
    rows = [
        {"path": f"{row}", "split": "train", "crop": row, "expression": "neutral", "valence": 0.0} for row in range(4)
    ]
    write_manifest(folder / MANIFEST, rows, FACE, {})
    places = {"data": [{"manifest": str(folder)}], "validation": {"manifest": str(folder), "split": "train"}}
    trainer = Trainer.of(parse({"name": "resnet18", "network": "ResNet18", "batch_size": 2, **places}), folder / "run")
    trainer.save("last")
    export(folder / "run/last", folder / "resnet18.onnx")
    return folder / "resnet18.onnx"


def main() -> None:
    """Time, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=30)
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as scratch:
        files = {"resnet18": resnet18(Path(scratch))}
        files |= {path.stem: path for path in (WEIGHTS / "default.onnx", WEIGHTS / "tiny.onnx") if path.exists()}
        models = {(name, threads): Model(path, threads=threads) for name, path in files.items() for threads in THREADS}
        times: dict[tuple[str, int, int], list[float]] = {}
        for turn in range(turns + 2):
            for (name, threads), model in models.items():
                for batch in BATCHES:
                    crops = np.random.default_rng(turn).integers(0, 256, (batch, 112, 112, 3), np.uint8)
                    start = time.perf_counter()
                    model(crops)
                    if turn >= 2:
                        times.setdefault((name, threads, batch), []).append((time.perf_counter() - start) / batch)
    found = {
        f"{threads} thread{'s' * (threads > 1)}, batch of {batch}": {
            name: float(np.median(times[name, threads, batch]) / np.median(times["resnet18", threads, batch]))
            for name in files
        }
        for threads in THREADS
        for batch in BATCHES
    }
    load = os.getloadavg()[0]
    setting = {"turns": turns, "cores": os.cpu_count(), "machine": platform.machine(), "load": round(load, 1)}
    setting["onnxruntime"] = onnxruntime.__version__
    RESULTS.write_text(json.dumps({"setting": setting, "ratio to resnet18": found}, indent=2) + "\n")
    for place, ratios in found.items():
        print(place, *(f"{name} {ratio:.2f}" for name, ratio in ratios.items()), sep="\t")


if __name__ == "__main__":
    main()
