"""How many pictures per minute `mien data render` renders with its default settings.

Measured in wall-clock time with several processes, and in processor time of one, which other programs on the machine
affect less. Starting up and reading the face model is not counted: the clock starts after the first pictures. Prints
both speeds and writes benchmarks/results/render_speed.json.

    python benchmarks/render_speed.py ICT_FACEKIT [--count 64] [--workers 2]
"""

import argparse
import json
import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

from mien.learn.data.render.draw import RenderSettings
from mien.learn.data.render.face_model import load_model
from mien.learn.data.render.generate import CHUNK, render
from mien.learn.data.render.make_shot import make_person, make_shot
from mien.learn.data.render.picture import Studio

RESULTS = Path(__file__).parent / "results" / "render_speed.json"


def processor_seconds(model: Path, settings: RenderSettings, count: int) -> float:
    """The median processor time per picture, in this process."""
    studio, times = Studio(load_model(model), settings), []
    for index in range(count + 1):
        start = time.process_time()
        shot = make_shot(settings, index)
        person = make_person(settings, shot.subject)
        view = studio.view(shot, person)
        studio.crop(studio.picture(shot, person, view, index), view, index)
        times.append(time.process_time() - start)
    return median(times[1:])  # the first one also creates the canvas and the renderer


def main() -> None:
    """Render, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="ICT_FACEKIT")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    settings = RenderSettings()
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
    first = min(options.workers, len(moments) - 1)  # by then each process has rendered a chunk
    seconds = moments[-1][0] - moments[first - 1][0]
    pictures = sum(done for _, done in moments[first:])
    one = processor_seconds(options.model, settings, 24)
    result = {
        "processor_seconds_a_picture": round(one, 3),
        "pictures_a_minute_of_one_free_core": round(60 / one),
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
    print(f"{result['pictures_a_minute']} pictures per minute with {options.workers} processes (load {result['load']})")
    print(f"{one:.2f} s of one core per picture")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
