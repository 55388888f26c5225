"""The README runs from top to bottom, as written, in one folder."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from PIL import Image

import mien
from fixtures.pages import BLOCK, ROOT

OUTSIDE = ("make", "pip")
"""Commands of the README that other checks run: `make demo` and `make test` in CI, the installation before both."""


def blocks() -> Iterator[tuple[str, str, str]]:
    """Kind and text of each code block, and the file name that the sentence before it gives."""
    text = (ROOT / "README.md").read_text()
    for found in BLOCK.finditer(text):
        if not found["mark"]:
            names = re.findall(r"`([\w.]+\.(?:csv|yaml))`:\s*$", text[: found.start()].rstrip("\n"))
            yield found["kind"], found["text"], names[-1] if names else ""


def write_video(path: Path, picture: Path, frames: int) -> None:
    image = Image.open(picture).convert("RGB").resize((256, 256))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))


@pytest.fixture
def folder(tmp_path: Path, astronaut: Path) -> Path:
    """What a reader has: photos, videos, labelled pictures, and the recipes and studies of the repository."""
    for name in ("photos", "videos", "a"):
        (tmp_path / name).mkdir()
    shutil.copy(astronaut, tmp_path / "photos" / "portrait.png")
    write_video(tmp_path / "interview.mp4", astronaut, 10)
    for name in ("one.mp4", "two.mp4"):
        write_video(tmp_path / "videos" / name, astronaut, 4)
    portrait = Image.open(astronaut).convert("RGB")
    for number in range(1, 13):
        portrait.point(lambda value, number=number: min(255, int(value * (0.7 + number / 20)))).save(
            tmp_path / "a" / f"{number:02d}.jpg"
        )
    for name in ("recipes", "studies"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def labels(text: str) -> str:
    """The README's rows, and enough others for a training and a validation split."""
    more = [f"a/{number:02d}.jpg,p{number},{('happiness', 'neutral')[number % 2]},1,0.5,0" for number in range(3, 13)]
    return text + "\n".join(more) + "\n"


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(mien.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_readme_runs_from_top_to_bottom(folder: Path) -> None:
    ran = []
    for kind, text, name in blocks():
        if name:
            (folder / name).write_text(labels(text) if name.endswith(".csv") else text)
        if kind == "python":
            done = run(folder, sys.executable, "-c", text)
            assert done.returncode == 0, f"{text}\n{done.stderr}"
        for line in text.splitlines() if kind == "sh" else ():
            words = shlex.split(line, comments=True)
            if words[0] in OUTSIDE:
                continue
            assert words[0] == "mien", line
            done = run(folder, sys.executable, "-m", *words)
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
            ran.append(words[1])
    assert {"annotate", "report", "tasks", "data", "train", "evaluate", "export", "study", "relatedness"} <= set(ran)
    for made in (
        "runs/other/best",
        "faces.csv",
        "openface.csv",
        "drawn.mp4",
        "tables",
        "interview.html",
        "runs/own/best",
        "own.onnx",
    ):
        assert (folder / made).exists(), made


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, queue = set(), [ROOT / "README.md"]
    while queue:
        page = queue.pop()
        reached.add(page)
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            there = (page.parent / target).resolve()
            if target.endswith(".md") and not target.startswith("http") and there not in reached:
                queue.append(there)
    pages = {path.resolve() for path in (ROOT / "docs").rglob("*.md") if "results" not in path.parts}
    assert pages <= reached, sorted(path.name for path in pages - reached)
