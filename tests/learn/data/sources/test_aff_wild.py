"""Aff-Wild: one line and two .pts files per frame."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.aff_wild import TASKS, read
from mien.learn.data.sources.shared.landmarks import five_of_68

POINTS = np.arange(136, dtype=float).reshape(68, 2)


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def pts(path: Path, points: Any) -> Path:
    body = "\n".join(f"{x} {y}" for x, y in points)
    return touch(path, f"version: 1\nn_points: {len(points)}\n{{\n{body}\n}}\n")


def annotate(root: Path, video: str, valence: list[object], arousal: list[object]) -> None:
    for name, values in (("valence", valence), ("arousal", arousal)):
        touch(root / f"annotations/train/{name}/{video}.txt", "\n".join(map(str, values)))


def rows_of(root: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    reports: list[str] = []
    rows = list(read(root, reports.append, **options))
    check_labels(root, rows, TASKS)
    return rows, reports


@pytest.mark.parametrize("nested", [False, True])
def test_frames_become_rows(tmp_path: Path, nested: bool) -> None:
    root = tmp_path / "aff_wild_annotations_bboxes_landmarks_new"
    inner = "train/train" if nested else "train"
    annotate(root, "105", [0.5, -0.25, 1], [0, 0.125, -1])
    annotate(root, "9", [0.5], [0.5])
    touch(root / f"videos/{inner}/105.avi")
    touch(root / f"videos/{inner}/9.MP4")
    touch(root / "videos/test/300.mp4")
    pts(root / f"bboxes/{inner}/105/1.pts", [(10, 20), (10, 60), (50.5, 60), (50.5, 20)])
    pts(root / f"landmarks/{inner}/105/1.pts", POINTS)
    pts(root / f"landmarks/{inner}/105/3.pts", POINTS)
    rows, reports = rows_of(tmp_path)
    assert [(row["video"], row["frame"]) for row in rows] == [("9", 0), ("105", 0), ("105", 1), ("105", 2)]
    assert rows[1] == {
        "path": str(root / f"videos/{inner}/105.avi"),
        "split": "train",
        "dataset": "aff_wild",
        "subject": None,
        "video": "105",
        "frame": 0,
        "valence": 0.5,
        "arousal": 0,
        "x": 10,
        "y": 20,
        "width": 40.5,
        "height": 40,
        "landmarks": five_of_68(POINTS),
    }
    assert [(row["x"], row["landmarks"] is None) for row in rows[2:]] == [(None, True), (None, False)]
    assert reports == []
    assert [row["frame"] for row in rows_of(tmp_path, every=2)[0]] == [0, 0, 2]
    assert rows_of(tmp_path, points=False)[0][1]["landmarks"] is None


def test_ragged_videos(tmp_path: Path) -> None:
    annotate(tmp_path, "1", [0.5, "x", 1.5, "", 0.25, 0.25], [0.5, 0, 0, 0, 0.25])
    annotate(tmp_path, "2", [0.5], [0.5])
    annotate(tmp_path, "3", [0.5], [])
    (tmp_path / "annotations/train/arousal/3.txt").unlink()
    annotate(tmp_path, "4", [0.5], [0.5])
    path = tmp_path / "annotations/train/arousal/4.txt"
    (path.parent / "4.txt.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf0.75\r\n"))
    path.unlink()
    touch(tmp_path / "annotations/train/valence/.DS_Store")
    touch(tmp_path / "annotations/train/valence/notes.pdf")
    for video in (1, 3, 4):
        touch(tmp_path / f"videos/train/{video}.mp4")
    box = touch(tmp_path / "bboxs/train/1/1.pts", "version: 1\nn_points: 4\n{\n1 2\n}\n")
    marks = pts(tmp_path / "landmarks/train/1/5.pts", POINTS[:5])
    rows, reports = rows_of(tmp_path)
    assert [(row["video"], row["frame"], row["arousal"]) for row in rows] == [
        ("1", 0, 0.5), ("1", 4, 0.25), ("4", 0, 0.75),
    ]  # fmt: skip
    valence = tmp_path / "annotations/train/valence"
    assert reports == [
        f"{valence / '1.txt'}: 5 values, {tmp_path / 'annotations/train/arousal/1.txt'}: 5; "
        "only the 4 frames in both are used",
        f"{box}: n_points is 4, but there are 1",
        f"{valence / '1.txt'}: line 2, or the same line of arousal: 'x' is not a number",
        f"{valence / '1.txt'}: line 3, or the same line of arousal: 1.5 is outside [-1, 1]",
        f"{marks}: 5 points, expected 68",
        f"{valence / '2.txt'}: no video 2 in {tmp_path / 'videos/train'}",
        f"{valence / '3.txt'}: has no arousal file",
    ]


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"annotations/train/valence .*, videos not found"):
        rows_of(tmp_path)
