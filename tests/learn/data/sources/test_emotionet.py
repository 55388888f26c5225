"""EmotioNet: lists of addresses, photos anywhere."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.emotionet import MORE_UNITS, TASKS, UNITS, read

ADDRESS = "http://example.org/EmotioNet/Images/N_0000000001"


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def line(photo: str, **units: object) -> str:
    """Return a line of a list without header: two addresses and sixty units, 999 except those given."""
    cells = [str(units.get(f"AU{n}", 999)) for n in range(1, 61)]
    return "\t".join((f"{ADDRESS}/{photo}", "http://example.org/original", *cells))


def rows_of(root: Path, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
    reports: list[str] = []
    rows = list(read(root, reports.append, **options))
    check_labels(root, rows, TASKS)
    return rows, reports


def test_lists_without_header(tmp_path: Path) -> None:
    touch(tmp_path / "dataFile_0001.txt", "\n".join((line("a.jpg", AU1=1, AU12=0, AU10=1, AU43=1), line("b.jpg"))))
    touch(tmp_path / "images/N_0000000001/a.JPG")
    touch(tmp_path / "images/N_0000000001/b.jpg")
    ((row,), reports) = rows_of(tmp_path)
    units = {f"AU{n:02d}": None for n in UNITS}
    assert row == {
        "path": str(tmp_path / "images/N_0000000001/a.JPG"),
        "split": "train",
        "dataset": "emotionet",
        "subject": None,
        **units,
        "AU01": 1.0,
        "AU12": 0.0,
    }
    assert reports == []


def test_the_manually_annotated_list_comes_first(tmp_path: Path) -> None:
    header = "URL,URL orig," + ",".join(f" 'AU {n}'" for n in range(1, 61))
    cells = ",".join("1" if n == 24 else "999" for n in range(1, 61))
    touch(tmp_path / "EmotioNet/lists/EmotioNet_FACS_aws_2020_24600.csv", f"{header}\n'{ADDRESS}/a.jpg',x,{cells}\n")
    path = touch(tmp_path / "EmotioNet/lists/dataFile_0002.txt", f"{line('a.jpg', AU1=0)}\n{line('b.jpg', AU1=0)}\n")
    for name in ("a.jpg", "b.jpg"):
        touch(tmp_path / "EmotioNet/flat" / name)
    touch(tmp_path / "__MACOSX/flat/b.jpg")
    touch(tmp_path / "EmotioNet/flat/._b.jpg")
    rows, reports = rows_of(tmp_path)
    assert [(Path(row["path"]).name, row["split"]) for row in rows] == [("a.jpg", "valid"), ("b.jpg", "train")]
    assert {name for name in rows[0] if name.startswith("AU")} == {f"AU{n:02d}" for n in MORE_UNITS}
    assert (rows[0]["AU24"], rows[0]["AU01"], rows[1]["AU01"]) == (1, None, 0)
    assert reports == [f"{path}: 1 photos are also in another list, whose labels are used"]
    assert [row["split"] for row in rows_of(tmp_path, by_hand=["dataFile_*"])[0]] == ["valid", "valid"]


def test_ragged_lists(tmp_path: Path) -> None:
    good = line("a.jpg", AU1=1, AU2=-1)
    text = "\r\n".join(
        (f"\ufeff{good}", good, line("b.jpg", AU1="x"), line("b.jpg", AU1=2), "b.jpg\t1", line("gone.jpg", AU1=1))
    )
    path = tmp_path / "dataFile_0001.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    for name in ("a.jpg", "b.jpg"):
        touch(tmp_path / name)
    rows, reports = rows_of(tmp_path)
    assert [(row["AU01"], row["AU02"]) for row in rows] == [(1, None)]
    assert [line.removeprefix(f"{path}: line ") for line in reports] == [
        "2: a.jpg: duplicate picture",
        "3: 'x' is not a number",
        "4: AU01 2 is not 0, 1 or 999",
        "5: 2 cells, expected 62",
        "6: gone.jpg: no such picture",
    ]


def test_basic_and_compound_expressions(tmp_path: Path) -> None:
    names = [f"{n}.jpg" for n in range(8)]
    for name in names:
        touch(tmp_path / "photos" / name)
    words = ("happy", "Sadly_Angry", "anger", "appalled", "7", "happy")
    path = touch(
        tmp_path / "emotion_categories.csv",
        "\n".join(("name,category", *(f"{ADDRESS}/{name},{word}" for name, word in zip(names, words, strict=False)))),
    )
    path.write_text(path.read_text() + "\n0.jpg,happy\ngone.jpg,awed\n")
    rows, reports = rows_of(tmp_path)
    assert [(row.get("expression"), row.get("compound"), row["split"]) for row in rows] == [
        ("happiness", None, "all"), (None, "sadly angry", "all"), ("anger", None, "all"), ("happiness", None, "all"),
    ]  # fmt: skip
    assert [line.removeprefix(f"{path}: line ") for line in reports] == [
        "6: '7' is not a category in words",
        "8: 0.jpg: duplicate picture",
        "9: gone.jpg: no such picture",
    ]


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"EmotioNet_FACS\*\.csv or .* not found"):
        rows_of(tmp_path)
    touch(tmp_path / "EmotioNet_FACS_aws.csv", "URL,label\na.jpg,1\n")
    with pytest.raises(ValueError, match="no column of an action unit, such as AU1"):
        rows_of(tmp_path)
