from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.annotate.pipeline import Annotator
from mien.annotate.result import Result
from mien.annotate.schema import Row
from mien.faces.detect import LANDMARKS
from mien.media.picture import Picture
from mien.overlay.picture import Overlays, overlay
from mien.tasks import FACE, Kind, Task


def row(x: float, y: float, side: float, face: int = 0, tasks: tuple[Task, ...] = FACE) -> Row:
    values: Row = {"face": face, "x": x, "y": y, "width": side, "height": side}
    for name in LANDMARKS:
        values |= {f"{name}_x": x + side / 2, f"{name}_y": y + side / 2}
    for task in tasks:
        values |= dict.fromkeys(task.labels, 0.7) | {task.name: task.labels[0]}
    return values


def grey(width: int, height: int) -> Picture:
    return Picture("a.jpg", np.full((height, width, 3), 128, np.uint8), width, height)


@pytest.fixture(scope="module")
def result(network: Path, astronaut: Path) -> Result:
    return next(Annotator(network).stream(astronaut))


def test_the_box_is_drawn_where_the_face_is(result: Result) -> None:
    assert result.picture is not None
    image = overlay(result.picture, result.rows, FACE)
    assert image.size == (960, 960)
    first = result.rows[0]
    x, y = (round(960 / 512 * value) for value in (first["x"], first["y"] + first["height"] / 2))
    before = result.picture.pixels.repeat(2, 0).repeat(2, 1)
    assert np.abs(np.asarray(image)[y, x - 3 : x + 4].astype(int) - [255, 196, 61]).sum(1).min() < 60
    assert before.shape[0] > 960
    corner = np.asarray(image.resize((512, 512)))[400:, :100].astype(int)
    assert np.abs(corner - result.picture.pixels[400:, :100]).mean() < 6


@pytest.mark.parametrize("size", [(64, 64), (60, 2000), (5000, 300), (1, 1)])
def test_any_size_of_picture(size: tuple[int, int]) -> None:
    picture = grey(*size)
    image = overlay(picture, [row(0, 0, min(size))], FACE)
    assert image.mode == "RGB"
    assert max(image.size) >= 960


def test_reduced_pixels_are_drawn_at_the_places_of_the_original() -> None:
    whole = overlay(grey(1000, 800), [row(300, 300, 200)], FACE)
    half = Picture("a.jpg", np.full((400, 500, 3), 128, np.uint8), 1000, 800)
    reduced = overlay(half, [row(300, 300, 200)], FACE)
    assert np.abs(np.asarray(whole.resize((500, 400)), int) - np.asarray(reduced.resize((500, 400)))).mean() < 12


def test_panels_never_hide_a_face() -> None:
    faces = [row(200 * (index % 5) + 20, 200 * (index // 5) + 60, 150, index) for index in range(15)]
    picture = grey(1000, 700)
    image = np.asarray(overlay(picture, faces, FACE))
    assert image.shape[0] > 700 or image.shape[1] > 1000
    for face in faces:
        x, y = int(face["x"]), int(face["y"])
        assert np.abs(image[y + 20 : y + 55, x + 30 : x + 120].astype(int) - 128).max() < 8


def test_no_face_and_another_label_space() -> None:
    empty = np.asarray(overlay(grey(960, 700), [{"note": "no face found"}], FACE))
    assert empty.std() > 0
    birds = (
        Task("bird", Kind.CLASSES, ("wren", "robin"), ("", "")),
        Task("marks", Kind.ATTRIBUTES, tuple(f"has mark {index}" for index in range(40)), ("",) * 40),
    )
    assert overlay(grey(960, 700), [row(10, 10, 90, tasks=birds)], birds).size == (960, 700)


def test_inputs_of_one_stem_get_files_of_their_own(tmp_path: Path) -> None:
    overlays = Overlays(tmp_path / "new" / "folder")
    pictures = [Picture(name, grey(8, 8).pixels, 8, 8) for name in ("p/a.jpg", "q/A.png", "a-2.gif", "input 0")]
    names = [overlays.save(picture, [], FACE).name for picture in pictures]
    assert names == ["a.jpg", "A-2.jpg", "a-2-2.jpg", "input 0.jpg"]
    with Image.open(tmp_path / "new" / "folder" / "a.jpg") as image:
        assert image.format == "JPEG"


def test_folders_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(OSError, match="not empty"):
        Overlays(tmp_path)
    Overlays(tmp_path, ["elsewhere/b.jpg"], overwrite=True)
    with pytest.raises(OSError, match="that are to be read"):
        Overlays(tmp_path, [str(tmp_path / "a.jpg")], overwrite=True)
    with pytest.raises(OSError, match="cannot be written"):
        Overlays(tmp_path / "a.jpg")


def test_the_readings_of_several_faces_hide_nothing() -> None:
    faces = [row(200 + 300 * index, 200, 120, index) for index in range(3)]
    image = overlay(grey(1200, 900), faces, FACE)
    assert image.width > 1200 or image.height > 900
    assert (np.asarray(image)[400:900, :1200] == 128).all()


def test_a_crowd_has_readings_for_the_first_few_only() -> None:
    crowd = [row(10 * (index % 90), 10 * (index // 90), 8, index) for index in range(700)]
    assert max(overlay(grey(1000, 500), crowd, FACE).size) < 5000
