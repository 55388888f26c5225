"""The basic expressions of RAF-DB, as released and sorted into folders."""

from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.raf_db import TASKS, read

LINES = [f"train_0000{label}.jpg {label}" for label in range(1, 8)] + ["test_0001.jpg 7"]
ORDER = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral", "neutral"]


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rows_of(root: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    reports: list[str] = []
    rows = list(read(root, reports.append, **options))
    check_labels(root, rows, TASKS)
    return rows, reports


def release(folder: Path, lines: list[str], ending: str = ".jpg") -> Path:
    """Write the release: its list, and both pictures of every line."""
    touch(folder / "EmoLabel/list_patition_label.txt", "\n".join(lines))
    for line in lines:
        stem = Path(line.split(" ")[0].replace("\\", "/")).stem
        touch(folder / f"Image/aligned/{stem}_aligned{ending}")
        touch(folder / f"Image/original/{stem}{ending}")
    return folder


def test_aligned_faces(tmp_path: Path) -> None:
    release(tmp_path / "RAF-DB/basic", LINES)
    release(tmp_path / "RAF-DB/compound", ["train_0001.jpg 11"])
    rows, reports = rows_of(tmp_path)
    assert rows[0] == {
        "path": str(tmp_path / "RAF-DB/basic/Image/aligned/train_00001_aligned.jpg"),
        "split": "train",
        "dataset": "raf_db",
        "subject": None,
        "expression": "surprise",
    }
    assert [row["expression"] for row in rows] == ORDER
    assert [row["split"] for row in rows] == ["train"] * 7 + ["test"]
    assert reports == []
    assert rows_of(tmp_path / "RAF-DB/basic")[0] == rows


def test_original_photos_have_a_box_and_landmarks(tmp_path: Path) -> None:
    release(tmp_path, LINES[:4], ".JPG")
    notes = tmp_path / "Annotation"
    touch(notes / "boundingbox/train_00001_boundingbox.txt", "10.5 20 110.5 140 \n")
    touch(notes / "manual/train_00001_manu_attri.txt", "70\t41\n30\t40\n50\t60\n35\t80\n66\t82\n1\n0\n2\n")
    touch(notes / "boundingbox/train_00003_boundingbox.txt", "10 20\n")
    touch(notes / "manual/train_00004_manu_attri.txt", "30\t40\n70\tx\n")
    rows, reports = rows_of(tmp_path, original=True)
    assert rows[0]["path"] == str(tmp_path / "Image/original/train_00001.JPG")
    assert [rows[0][name] for name in ("x", "y", "width", "height")] == [10.5, 20, 100, 120]
    assert rows[0]["landmarks"] == [30, 40, 70, 41, 50, 60, 35, 80, 66, 82]
    assert [(row["x"], row["landmarks"]) for row in rows[1:]] == [(None, None)] * 3
    assert [line.partition("Annotation")[2] for line in reports] == [
        "/boundingbox/train_00003_boundingbox.txt does not start with 4 numbers",
        "/manual/train_00004_manu_attri.txt does not start with 10 numbers",
    ]


def test_ragged_lists(tmp_path: Path) -> None:
    release(tmp_path, LINES)
    touch(
        tmp_path / "EmoLabel/list_patition_label.txt",
        "\ufefftrain_00001.jpg 1\r\ntrain_00001.jpg 1\r\n\r\ntrain_00002.jpg 8\r\ntrain_00003.jpg\r\n"
        "train_00004.jpg x\r\ntrain_99999.jpg 1\r\nvalid_00001.jpg 1\r\ntest_0001.jpg  7 \r\n",
    )
    rows, reports = rows_of(tmp_path)
    assert [Path(row["path"]).stem for row in rows] == ["train_00001_aligned", "test_0001_aligned"]
    where = f"{tmp_path / 'EmoLabel/list_patition_label.txt'}: line "
    assert [line.removeprefix(where) for line in reports] == [
        "2: train_00001.jpg: duplicate picture",
        "4: 8 is outside [1, 7]",
        "5: 'train_00003.jpg' is not a number",
        "6: 'x' is not a number",
        f"7: train_99999.jpg: no such picture in {tmp_path / 'Image/aligned'}",
        "8: 'valid_00001.jpg' starts with neither train nor test",
    ]


def test_the_copy_sorted_into_folders(tmp_path: Path) -> None:
    data = tmp_path / "archive/DATASET"
    touch(data / "train/3/train_00001_aligned.jpg")
    touch(data / "train/1/train_00002_aligned.JPG")
    touch(data / "train/1/._train_00002_aligned.JPG")
    touch(data / "train/1/Thumbs.db")
    touch(data / "test/7/test_0001_aligned.jpg")
    rows, reports = rows_of(tmp_path)
    assert [(Path(row["path"]).name, row["split"], row["expression"]) for row in rows] == [
        ("train_00002_aligned.JPG", "train", "surprise"),
        ("train_00001_aligned.jpg", "train", "disgust"),
        ("test_0001_aligned.jpg", "test", "neutral"),
    ]
    assert reports == []
    csv = touch(
        tmp_path / "archive/train_labels.csv",
        "image,label\ntrain_00001_aligned.jpg,3\ntrain_00001_aligned.jpg,3\n"
        "train_00002_aligned.jpg,2\ntrain_00002_aligned.jpg,9\n",
    )
    rows, reports = rows_of(tmp_path)
    assert [row["expression"] for row in rows] == ["disgust", "neutral"]
    assert [line.removeprefix(f"{csv}: line ") for line in reports] == [
        "3: train_00001_aligned.jpg: duplicate picture",
        f"4: train_00002_aligned.jpg: no such picture in {data / 'train/2'}",
        "5: 9 is outside [1, 7]",
    ]
    with pytest.raises(ValueError, match="aligned faces only"):
        rows_of(tmp_path, original=True)


@pytest.mark.parametrize("other", [0, 8])
def test_another_set_sorted_into_folders_is_refused(tmp_path: Path, other: int) -> None:
    for code in (*range(1, 8), other):
        touch(tmp_path / f"test/{code}/a.jpg")
    with pytest.raises(ValueError, match=rf"test/{other}: RAF-DB has labels 1 to 7"):
        rows_of(tmp_path)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"EmoLabel/list_patition_label\.txt .* train/\[1-7\] .* not found"):
        rows_of(tmp_path)
    release(tmp_path, [f"train_{label:04d}.jpg {label}" for label in range(1, 12)])
    with pytest.raises(ValueError, match="compound expressions, read by raf_db_compound"):
        rows_of(tmp_path)
