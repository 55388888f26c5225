"""The compound expressions of RAF-DB."""

from pathlib import Path

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.raf_db_compound import TASKS, read
from mien.tasks import COMPOUND


def release(folder: Path, labels: list[int]) -> Path:
    folder.mkdir(parents=True)
    for name in ("EmoLabel", "Image/aligned", "Image/original"):
        (folder / name).mkdir(parents=True)
    lines = [f"train_{n:04d}.jpg {label}" for n, label in enumerate(labels, 1)] + ["test_0001.jpg 1"]
    (folder / "EmoLabel/list_patition_label.txt").write_text("\n".join(lines))
    for line in lines:
        stem = line.split(".")[0]
        (folder / f"Image/aligned/{stem}_aligned.jpg").touch()
        (folder / f"Image/original/{stem}.jpg").touch()
    return folder


def test_eleven_compounds_in_their_order(tmp_path: Path) -> None:
    release(tmp_path / "basic", [1, 2])
    release(tmp_path / "compound", [*range(1, 12), 12])
    reports: list[str] = []
    rows = list(read(tmp_path, reports.append))
    check_labels(tmp_path, rows, TASKS)
    assert rows[0] == {
        "path": str(tmp_path / "compound/Image/aligned/train_0001_aligned.jpg"),
        "split": "train",
        "dataset": "raf_db_compound",
        "subject": None,
        "compound": "happily surprised",
    }
    assert [row["compound"] for row in rows] == [*COMPOUND.labels, "happily surprised"]
    assert rows[-1]["split"] == "test"
    assert [line.rpartition(": ")[2] for line in reports] == ["12 is outside [1, 11]"]


def test_original_photos(tmp_path: Path) -> None:
    folder = release(tmp_path / "compound", [11])
    (folder / "Annotation/boundingbox").mkdir(parents=True)
    (folder / "Annotation/boundingbox/train_0001_boundingbox.txt").write_text("1 2 11 22")
    rows = list(read(folder, pytest.fail, original=True))
    assert [Path(row["path"]).name for row in rows] == ["train_0001.jpg", "test_0001.jpg"]
    assert (rows[0]["x"], rows[0]["width"], rows[0]["height"], rows[0]["landmarks"]) == (1, 10, 20, None)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"compound/EmoLabel/list_patition_label\.txt"):
        list(read(tmp_path, pytest.fail))
    with pytest.raises(ValueError, match="basic expressions, read by raf_db"):
        list(read(release(tmp_path / "basic", [1, 7]), pytest.fail))
