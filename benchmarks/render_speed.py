"""How many faces `mien data render` makes in a minute, at the settings that it has by default.

    python benchmarks/render_speed.py ICT_FACEKIT_DIR [--count 128] [--workers 2]

Starting the processes and reading the face model is not counted: the first pictures of each process are made before the
clock starts. Prints the figure and writes benchmarks/results/render_speed.json.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from mien.learn.data.render.draw import Settings
from mien.learn.data.render.generate import CHUNK, render

RESULTS = Path(__file__).parent / "results" / "render_speed.json"


def main() -> None:
    """Render, print and write."""
    parser = argparse.ArgumentParser(description="Faces rendered in a minute.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    settings = Settings()
    moments: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        render(
            options.model,
            Path(folder) / "set",
            options.count,
            settings,
            workers=options.workers,
            advance=lambda done: moments.append((time.perf_counter(), done)),
        )
    begin = min(options.workers, len(moments) - 1)  # each process has made its first chunk
    seconds = moments[-1][0] - moments[begin - 1][0]
    pictures = sum(done for _, done in moments[begin:])
    result = {
        "pictures": pictures,
        "seconds": round(seconds, 1),
        "pictures_a_minute": round(60 * pictures / seconds),
        "size": settings.size,
        "samples": settings.samples,
        "workers": options.workers,
        "chunk": CHUNK,
        "machine": platform.machine(),
        "load": round(os.getloadavg()[0], 1),
        "mitsuba": version("mitsuba"),
    }
    print(f"{result['pictures_a_minute']} pictures a minute by {options.workers} processes (load {result['load']})")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
