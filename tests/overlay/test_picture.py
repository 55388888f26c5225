from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.annotate.pipeline import Annotator
from mien.annotate.result import Result
from mien.annotate.schema import Row
from mien.faces.detect import LANDMARKS
from mien.media.picture import Picture
from mien.overlay.panel import BACK
from mien.overlay.picture import COLOURS, Overlays, draw_picture
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


def amber(pixels: np.ndarray) -> np.ndarray:
    """Which pixels have the first colour of faces."""
    return np.abs(pixels.astype(int) - COLOURS[0]).sum(-1) < 60


@pytest.fixture(scope="module")
def result(network: Path, astronaut: Path) -> Result:
    return next(Annotator(network).stream(astronaut))


def test_box_and_landmarks_are_drawn_on_the_face(result: Result) -> None:
    assert result.picture is not None
    image = draw_picture(result.picture, result.rows, FACE)
    assert image.size == (960, 960)
    first = result.rows[0]
    middle = round(960 / 512 * (first["y"] + first["height"] / 2))
    for edge in (first["x"], first["x"] + first["width"]):
        x = round(960 / 512 * edge)
        assert amber(np.asarray(image)[middle, x - 3 : x + 4]).any()
        assert not amber(np.asarray(image)[middle, x - 30 : x - 12]).any()
    for name in LANDMARKS:
        x, y = (round(960 / 512 * first[f"{name}_{axis}"]) for axis in "xy")
        assert amber(np.asarray(image)[y, x])
    corner = np.asarray(image.resize((512, 512)))[400:, :100].astype(int)
    assert np.abs(corner - result.picture.pixels[400:, :100]).mean() < 6


@pytest.mark.parametrize("size", [(64, 64), (60, 2000), (5000, 300), (1, 1)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    picture = grey(*size)
    image = draw_picture(picture, [row(0, 0, min(size))], FACE)
    assert image.mode == "RGB"
    assert max(image.size) >= 960
    assert amber(np.asarray(image)).any()


def test_coordinates_refer_to_the_original_of_a_reduced_picture() -> None:
    whole = draw_picture(grey(1000, 800), [row(300, 300, 200)], FACE)
    half = Picture("a.jpg", np.full((400, 500, 3), 128, np.uint8), 1000, 800)
    reduced = draw_picture(half, [row(300, 300, 200)], FACE)
    assert np.abs(np.asarray(whole.resize((500, 400)), int) - np.asarray(reduced.resize((500, 400)))).mean() < 12


def test_panels_never_hide_a_face() -> None:
    faces = [row(200 * (index % 5) + 20, 200 * (index // 5) + 60, 150, index) for index in range(15)]
    picture = grey(1000, 700)
    image = np.asarray(draw_picture(picture, faces, FACE))
    assert image.shape[0] > 700 or image.shape[1] > 1000
    for face in faces:
        x, y = int(face["x"]), int(face["y"])
        assert np.abs(image[y + 20 : y + 55, x + 30 : x + 120].astype(int) - 128).max() < 8


def test_a_picture_without_faces_has_a_tag_in_its_corner() -> None:
    empty = np.asarray(draw_picture(grey(960, 700), [{"note": "no face found"}], FACE))
    drawn = np.argwhere(amber(empty))
    assert len(drawn) > 500
    assert (drawn.max(0) < (60, 240)).all()
    assert (empty[60:] == 128).all()


def test_another_label_space_has_a_panel_too() -> None:
    birds = (
        Task("bird", Kind.CLASSES, ("wren", "robin"), ("", "")),
        Task("marks", Kind.ATTRIBUTES, tuple(f"has mark {index}" for index in range(40)), ("",) * 40),
    )
    image = draw_picture(grey(960, 700), [row(10, 10, 90, tasks=birds)], birds)
    assert image.size == (960, 700)
    panel = np.asarray(image)[:, 120:]
    assert (np.abs(panel.astype(int) - BACK[:3]).max(2) < 30).sum() > 10_000
    assert amber(panel).sum() > 1000  # bars of 0.7


def test_inputs_with_equal_stems_get_different_files(tmp_path: Path) -> None:
    overlays = Overlays(tmp_path / "new" / "folder")
    pictures = [Picture(name, grey(8, 8).pixels, 8, 8) for name in ("p/a.jpg", "q/A.png", "a-2.gif", "input 0")]
    names = [overlays.save(picture, [], FACE).name for picture in pictures]
    assert names == ["a.jpg", "A-2.jpg", "a-2-2.jpg", "input 0.jpg"]
    with Image.open(tmp_path / "new" / "folder" / "a.jpg") as image:
        assert image.format == "JPEG"


def test_unsuitable_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(OSError, match=r": not empty \(use --overwrite to replace its files\)$"):
        Overlays(tmp_path)
    Overlays(tmp_path, ["elsewhere/b.jpg"], overwrite=True)
    with pytest.raises(OSError, match="contains input pictures; choose another folder"):
        Overlays(tmp_path, [str(tmp_path / "a.jpg")], overwrite=True)
    with pytest.raises(OSError, match="cannot be written"):
        Overlays(tmp_path / "a.jpg")


def test_the_panels_of_several_faces_hide_nothing() -> None:
    faces = [row(200 + 300 * index, 200, 120, index) for index in range(3)]
    image = draw_picture(grey(1200, 900), faces, FACE)
    assert image.width > 1200 or image.height > 900
    assert (np.asarray(image)[400:900, :1200] == 128).all()


def test_only_the_first_faces_of_a_crowd_have_panels() -> None:
    crowd = [row(10 * (index % 90), 10 * (index // 90), 8, index) for index in range(700)]
    assert max(draw_picture(grey(1000, 500), crowd, FACE).size) < 5000
