"""ExpW: several faces per photo, and damaged lists."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.expw import TASKS, read


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rows_of(root: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    reports: list[str] = []
    rows = list(read(root, reports.append, **options))
    check_labels(root, rows, TASKS)
    return rows, reports


def test_one_row_per_face(tmp_path: Path) -> None:
    touch(tmp_path / "label/label.lst", "a_1.jpg 0 10 20 70 80 65.5 3\na_1.jpg 1 0 0 5 5 90 6\n")
    touch(tmp_path / "image/origin/a_1.jpg")
    rows, reports = rows_of(tmp_path)
    assert rows[0] == {
        "path": str(tmp_path / "image/origin/a_1.jpg"),
        "split": "all",
        "dataset": "expw",
        "subject": None,
        "expression": "happiness",
        "x": 20,  # the list has top before left
        "y": 10,
        "width": 50,
        "height": 70,
    }
    assert rows[1]["expression"] == "neutral"
    assert reports == []
    assert [row["width"] for row in rows_of(tmp_path, confidence=70)[0]] == [5]


def test_every_label(tmp_path: Path) -> None:
    touch(tmp_path / "image/origin/a.jpg")
    touch(tmp_path / "label/label.lst", "\n".join(f"a.jpg {label} 0 0 5 5 90 {label}" for label in range(7)))
    assert [row["expression"] for row in rows_of(tmp_path)[0]] == [
        "anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral",
    ]  # fmt: skip


def test_ragged_lists(tmp_path: Path) -> None:
    for name in ("good.jpg", "with blank.JPG", "deep/er.jpg"):
        touch(tmp_path / f"ExpW/data/image/origin/{name}")
    touch(tmp_path / "__MACOSX/ExpW/._label.lst")
    label = touch(
        tmp_path / "ExpW/label/label.lst",
        "\ufeffgood.jpg 0 1 2 3 4 50 0\r\ngood.jpg 0 1 2 3 4 50 0\r\nwith blank.jpg 0 1 2 3 4 50 1\r\n"
        "deep\\er.jpg 0 1 2 3 4 50 2\r\ngood.jpg 1 1 2\r\ngood.jpg 2 1 2 3 4 50 7\r\ngood.jpg 3 1 x 3 4 50 1\r\n"
        "good.jpg 4 1 9 3 4 50 1\r\ngone.jpg 0 1 2 3 4 50 1\r\n",
    )
    rows, reports = rows_of(tmp_path)
    assert [Path(row["path"]).name for row in rows] == ["good.jpg", "with blank.JPG", "er.jpg"]
    assert [line.removeprefix(f"{label}: line ") for line in reports] == [
        "2: good.jpg: duplicate face 0",
        "5: 4 cells, expected 8",
        "6: 7 is outside [0, 6]",
        "7: 'x' is not a number",
        "8: the box (top, left, right, bottom) 1, 9, 3, 4 has no size",
        f"9: gone.jpg: no such picture in {tmp_path / 'ExpW/data/image/origin'}",
    ]


def test_a_zipped_list(tmp_path: Path) -> None:
    touch(tmp_path / "origin/a.jpg")
    (tmp_path / "label.lst.gz").write_bytes(gzip.compress(b"a.jpg 0 1 2 3 4 50 5\n"))
    ((row,), reports) = rows_of(tmp_path)
    assert row["expression"] == "surprise"
    assert reports == []


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"label/label\.lst .*, image/origin .* not found"):
        rows_of(tmp_path)
