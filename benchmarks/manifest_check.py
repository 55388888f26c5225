"""The time and memory that `mien data check` needs for a manifest of a million rows.

Writes a manifest with invented labels of all face tasks, and runs the command on it in a separate process. The goals
are less than a minute and less than 1 GiB. Prints seconds and peak memory and writes
benchmarks/results/manifest_check.json.

    python benchmarks/manifest_check.py [--rows 1000000]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow

from mien.learn.data.manifest.columns import MANIFEST
from mien.learn.data.manifest.write import write_manifest
from mien.tasks import ACTION_UNITS, EXPRESSION, FACE

RESULTS = Path(__file__).parent / "results" / "manifest_check.json"
GOALS = {"seconds": 60, "mebibytes": 1024}
FRAMES = 1000
COMMAND = "import sys; from mien.cli.app import main; sys.argv = ['mien', 'data', 'check', sys.argv[1]]; main()"


def invented_rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows of videos of 1,000 frames, one video per person and one file per frame; a third of the labels is missing."""
    generator = np.random.default_rng(0)
    units, numbers = ACTION_UNITS.labels, ("x", "y", "width", "height")
    for start in range(0, count, FRAMES):
        video = start // FRAMES
        there = generator.random((FRAMES, len(units) + 3)) > 1 / 3
        drawn = generator.integers(0, 2, (FRAMES, len(units))).tolist()
        affect = generator.uniform(-1, 1, (FRAMES, 2)).tolist()
        shown = generator.integers(0, len(EXPRESSION), FRAMES).tolist()
        boxes = generator.uniform(20, 300, (FRAMES, 4)).tolist()
        points = generator.uniform(20, 300, (FRAMES, 10)).tolist()
        known = there.tolist()
        for frame in range(min(FRAMES, count - start)):
            yield {
                "path": f"/data/face-videos/person-{video:05d}/take-1/frames/{frame:06d}.jpg",
                "split": "valid" if video % 5 == 0 else "train",
                "dataset": "made up",
                "subject": f"person-{video:05d}",
                "video": f"person-{video:05d}/take-1",
                "frame": frame,
                "timestamp": frame / 30,
                **dict(zip(numbers, boxes[frame], strict=True)),
                "landmarks": points[frame],
                **{unit: drawn[frame][i] if known[frame][i] else None for i, unit in enumerate(units)},
                "expression": EXPRESSION.labels[shown[frame]] if known[frame][-1] else None,
                "valence": affect[frame][0] if known[frame][-2] else None,
                "arousal": affect[frame][1] if known[frame][-3] else None,
            }


def main() -> None:
    """Write a manifest, check it, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MANIFEST
        start = time.perf_counter()
        write_manifest(path, invented_rows(options.rows), FACE, {"source": "made up"})
        written = time.perf_counter() - start
        start = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-c", COMMAND, folder], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        size = path.stat().st_size
    result = {
        "rows": options.rows,
        "file_megabytes": round(size / 1e6, 1),
        "write_seconds": round(written, 1),
        "check_seconds": round(seconds, 1),
        "check_peak_mebibytes": round(usage.ru_maxrss / 1024),
        "found": output.strip().rpartition(": ")[2],
        "goals": GOALS,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "pyarrow": pyarrow.__version__,
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    assert status == 0, output
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
