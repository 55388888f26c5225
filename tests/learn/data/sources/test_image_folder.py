"""Folders of pictures, named by expressions or otherwise."""

from collections import Counter
from pathlib import Path

import pytest

from mien.learn.data.sources.image_folder import read, tasks, whole
from mien.tasks import FACE


def pictures(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_names_of_expressions_in_any_case(tmp_path: Path) -> None:
    root = pictures(tmp_path, "train/Happy/a.JPG", "train/sadness/b.png", "val/Angry/deep/c.jpg", "test/HAPPY/d.jpg")
    pictures(root, "train/Happy/notes.txt", ".cache/x/y.jpg", "train/empty/readme.md")
    reports: list[str] = []
    found = {Path(row["path"]).name: (row["split"], row["expression"]) for row in read(root, reports.append)}
    assert found == {
        "a.JPG": ("train", "happiness"),
        "b.png": ("train", "sadness"),
        "c.jpg": ("valid", "anger"),
        "d.jpg": ("test", "happiness"),
    }
    assert not reports
    assert tasks(root) == FACE
    assert whole(FACE) is None


def test_all_names_of_expressions_and_splits_are_known(tmp_path: Path) -> None:
    words = ("joy", "afraid", "scared", "angry", "surprised", "disgusted", "neutral")
    root = pictures(tmp_path, *(f"dev/{word}/a.jpg" for word in words), "training/sad/a.jpg", "testing/fearful/a.jpg")
    found = {Path(row["path"]).parent.name: (row["split"], row["expression"]) for row in read(root, pytest.fail)}
    labels = ("happiness", "fear", "fear", "anger", "surprise", "disgust", "neutral")
    assert found == {word: ("valid", label) for word, label in zip(words, labels, strict=True)} | {
        "sad": ("train", "sadness"),
        "fearful": ("test", "fear"),
    }


def test_contempt_is_skipped_and_reported(tmp_path: Path) -> None:
    root = pictures(tmp_path, "fearful/a.jpg", "contempt/b.jpg", "contempt/c.jpg")
    reports: list[str] = []
    assert [row["expression"] for row in read(root, reports.append)] == ["fear"]
    assert len(reports) == 1
    assert "2 pictures skipped: contempt is not one of neutral, happiness" in reports[0]


def test_other_names_are_a_task_of_their_own(tmp_path: Path) -> None:
    root = pictures(tmp_path, *(f"{name}/{n}.png" for name in ("duck", "heron", "happy") for n in range(40)))
    (task,) = tasks(root, task="bird")
    assert (task.name, task.labels) == ("bird", ("duck", "happy", "heron"))
    assert whole([task]) == 112
    rows = list(read(root, pytest.fail, task="bird", validation=0.3))
    assert Counter(row["bird"] for row in rows) == {"duck": 40, "heron": 40, "happy": 40}
    splits = Counter(row["split"] for row in rows)
    assert set(splits) == {"train", "valid"}
    assert 15 < splits["valid"] < 60
    assert rows == list(read(root, pytest.fail, task="bird", validation=0.3))


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    for root in (tmp_path, pictures(tmp_path, "a.jpg"), pictures(tmp_path, "train/b.jpg")):
        with pytest.raises(FileNotFoundError, match="no folders of pictures found"):
            next(read(root, pytest.fail))
