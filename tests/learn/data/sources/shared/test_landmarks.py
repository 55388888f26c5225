"""From 68 landmarks to five, and .pts files."""

from pathlib import Path

import numpy as np
import pytest

from mien.faces.detect import LANDMARKS
from mien.learn.data.sources.shared.landmarks import box, five_of_68, read_pts


def face() -> np.ndarray:
    """Return 68 points that are 0 except the eyes (hexagons), the nose and the corners of the mouth."""
    points = np.zeros((68, 2))
    ring = np.array([(-4, 0), (-2, -2), (2, -2), (4, 0), (2, 2), (-2, 2)])
    points[36:42], points[42:48] = np.add(ring, (30, 40)), np.add(ring, (70, 41))
    points[30], points[48], points[54] = (50, 60), (35, 80), (66, 82)
    return points


def test_the_persons_right_eye_comes_first() -> None:
    assert LANDMARKS == ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
    assert five_of_68(face()) == [30, 40, 70, 41, 50, 60, 35, 80, 66, 82]


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((51, 2)), "51 x 2 landmarks, expected 68 x 2"),
        (np.zeros(136), "136 landmarks"),
        (np.full((68, 2), np.nan), "not a number"),
    ],
)
def test_other_numbers_of_points_are_refused(points: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        five_of_68(points)


def test_points_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "1.pts"
    path.write_text("\ufeffversion: 1\r\nn_points: 4\r\n{\r\n10 20\r\n10.5 60\r\n50 60\r\n50 20\r\n}\r\n", "utf-8")
    assert read_pts(path).tolist() == [[10, 20], [10.5, 60], [50, 60], [50, 20]]
    assert box(read_pts(path)) == {"x": 10, "y": 20, "width": 40, "height": 40}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nn_points: 4\n{\n1 2\n}\n", "n_points is 4, but there are 1"),
        ("version: 1\n{\n1 2\n}\n", "n_points is None, but there are 1"),
        ("version: 1\nn_points: 1\n{\n1 x\n}\n", "no points between braces"),
        ("version: 1\nn_points: 1\n{\n1\n}\n", "no points between braces"),
        ("", "no points between braces"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "1.pts"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"1\.pts: {message}"):
        read_pts(path)
