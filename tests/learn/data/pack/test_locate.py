"""The face of a row, and the pictures of rows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.faces.align import TEMPLATE
from mien.faces.detect import Face, Pixels
from mien.learn.data.pack.finder import Finder
from mien.learn.data.pack.locate import Pictures, Use, locate_face
from mien.media.picture import MediaError

IMAGE = np.zeros((100, 200, 3), np.uint8)


def face(x: float, y: float, side: float) -> Face:
    return Face((x, y, side, side), 0.9, np.full((5, 2), x, np.float32) + np.arange(10, dtype=np.float32).reshape(5, 2))


LARGE, SMALL = face(100, 10, 60), face(20, 20, 30)


def detector(image: Pixels) -> list[Face]:
    """Two faces in the whole picture, none in parts of it."""
    return [LARGE, SMALL] if image.shape == IMAGE.shape else []


def box(x: float, y: float, width: float, height: float) -> dict[str, float]:
    return {"x": x, "y": y, "width": width, "height": height}


GIVEN = {"landmarks": (TEMPLATE / 2).ravel().tolist()}


@pytest.mark.parametrize(
    ("row", "use", "expected"),
    [
        ({**GIVEN, **box(1, 2, 3, 4)}, "landmarks", (TEMPLATE / 2, (1, 2, 3, 4))),
        (GIVEN, "landmarks", (TEMPLATE / 2, None)),
        ({**GIVEN, **box(15, 15, 40, 40)}, "box", (SMALL.landmarks, SMALL.box)),
        ({**GIVEN, **box(15, 15, 40, 40)}, "detector", (LARGE.landmarks, LARGE.box)),
        (box(15, 15, 40, 40), "landmarks", (SMALL.landmarks, SMALL.box)),
        (box(90, 0, 90, 90), "landmarks", (LARGE.landmarks, LARGE.box)),
        ({}, "landmarks", (LARGE.landmarks, LARGE.box)),
        ({"x": 15.0, "landmarks": None}, "box", (LARGE.landmarks, LARGE.box)),
    ],
)
def test_own_landmarks_then_the_box_then_the_largest(row: dict[str, Any], use: Use, expected: tuple[Any, Any]) -> None:
    place = locate_face(IMAGE, row, use, Finder(), [detector])  # type: ignore[list-item]
    np.testing.assert_allclose(place.landmarks, expected[0])
    assert place.box == expected[1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (box(150, 80, 10, 10), r"no face found in the box \(150, 80, 10, 10\)"),
        (box(900, 900, 10, 10), "no face found in the box"),
        (box(1, 1, 0, 10), r"the box \(1, 1, 0, 10\) has no area"),
        (box(1, float("nan"), 5, 10), "has no area"),
        ({"landmarks": [1.0] * 9}, "landmarks must be 10 numbers"),
        ({"landmarks": [float("nan")] * 10}, "landmarks must be 10 numbers"),
        ({"landmarks": [5.0] * 10}, "landmarks coincide"),
        ({"landmarks": [1e6, *range(9)]}, "landmarks are outside the picture of 200 x 100 pixels"),
    ],
)
def test_errors_give_the_reason(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(MediaError, match=reason):
        locate_face(IMAGE, row, "landmarks", Finder(), [detector])  # type: ignore[list-item]


def test_a_picture_without_faces() -> None:
    with pytest.raises(MediaError, match=r"no face found$"):
        locate_face(IMAGE, {}, "landmarks", Finder(), [lambda _: []])  # type: ignore[list-item]


@pytest.fixture
def paths(tmp_path: Path, make_video: Callable[..., Path]) -> Sequence[Path]:
    Image.new("RGB", (64, 48), (200, 0, 0)).save(tmp_path / "a.png")
    make_video(tmp_path / "b.MP4", [np.full((48, 64, 3), 20 * k, np.uint8) for k in range(5)])
    return tmp_path / "a.png", tmp_path / "b.MP4"


def test_pictures_and_frames_of_videos(paths: Sequence[Path]) -> None:
    pictures = Pictures(Path())
    picture, video = map(str, paths)
    assert pictures({"path": picture}).mean(axis=(0, 1)).tolist() == [200, 0, 0]
    assert [round(pictures({"path": video, "frame": k}).mean() / 20) for k in (0, 2, 2, 4)] == [0, 2, 2, 4]
    with pytest.raises(MediaError, match="the video has 5 frames"):
        pictures({"path": video, "frame": 7})
    with pytest.raises(MediaError, match="is a video, but the row has no frame"):
        pictures({"path": video})
    for _ in range(2):
        with pytest.raises(MediaError, match="no such file"):
            pictures({"path": "gone.png", "frame": 3})


def test_a_path_may_be_relative_to_the_manifest(paths: Sequence[Path]) -> None:
    assert Pictures(paths[0].parent)({"path": "a.png"}).shape == (48, 64, 3)


def test_a_picture_of_several_rows_is_read_once(paths: Sequence[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.learn.data.pack import locate

    opened, read = [], locate.read
    monkeypatch.setattr(locate, "read", lambda path: (opened.append(path), read(path))[1])
    pictures = Pictures(Path())
    for _ in range(3):
        pictures({"path": str(paths[0])})
    assert opened == [paths[0]]


def test_a_function_may_read_the_pictures_instead() -> None:
    def picture(row: dict[str, Any]) -> Pixels:
        if row["path"] == "seven":
            raise OSError("not there")
        return np.full((2, 2, 3), int(row["path"]), np.uint8)

    pictures = Pictures(Path(), picture)
    assert [int(pictures({"path": name}).max()) for name in ("3", "4", "3")] == [3, 4, 3]
    with pytest.raises(OSError, match="not there"):
        pictures({"path": "seven"})
