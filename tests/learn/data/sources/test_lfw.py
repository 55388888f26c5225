"""Faces of named people, in folders and without."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.lfw import read, tasks

COUNTS = {f"Person_{letter}": count for letter, count in zip("ABCDEFGHIJKLMNOPQRST", [1, 2, 3, 10] * 5, strict=True)}


@pytest.fixture(
    params=["lfw/{person}/{person}_{number:04d}.jpg", "{person}_{number:04d}.JPG", "x/lfw/a/{person}_{number}.png"]
)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for person, count in COUNTS.items():
        for number in range(1, count + 1):
            path = tmp_path / request.param.format(person=person, number=number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (tmp_path / "pairs.txt").write_text("10\t300\n")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "Person_A_0001.jpg").touch()
    return tmp_path


def rows_of(root: Path, **options: Any) -> list[dict[str, Any]]:
    return list(read(root, pytest.fail, **options))


def test_file_names_identify_people_and_nobody_is_in_two_splits(folder: Path) -> None:
    rows = rows_of(folder)
    assert Counter(row["identity"] for row in rows) == COUNTS
    assert tasks(folder) == ()
    check_labels(folder, rows, ())
    assert all(row["subject"] == row["identity"] for row in rows)
    splits = {person: {row["split"] for row in rows if row["identity"] == person} for person in COUNTS}
    assert all(len(parts) == 1 for parts in splits.values())
    assert set().union(*splits.values()) == {"train", "valid", "test"}
    for row in rows:
        if row["identity"] == rows[0]["identity"]:
            Path(row["path"]).unlink()
    others = {person: parts for person, parts in splits.items() if person != rows[0]["identity"]}
    assert {row["identity"]: {row["split"]} for row in rows_of(folder)} == others


def test_people_as_classes_are_in_every_split(folder: Path) -> None:
    rows = rows_of(folder, identities=True)
    (task,) = tasks(folder, identities=True)
    check_labels(folder, rows, (task,))
    assert list(task.labels) == [person for person, count in COUNTS.items() if count >= 3]
    for person in task.labels:
        parts = Counter(row["split"] for row in rows if row["identity"] == person)
        assert parts == (
            {"train": 1, "valid": 1, "test": 1} if COUNTS[person] == 3 else {"train": 6, "valid": 2, "test": 2}
        )
    assert len(tasks(folder, identities=True, least=10)[0]) == 5
    assert len(rows_of(folder, identities=True, least=10)) == 50


def test_other_names_and_duplicates_are_reported(tmp_path: Path) -> None:
    for name in ("lfw/A_B/A_B_0001.jpg", "deep/A_B/A_B_0001.jpg", "lfw/A_B/portrait.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    reports: list[str] = []
    (row,) = read(tmp_path, reports.append)
    assert row["path"] == str(tmp_path / "deep" / "A_B" / "A_B_0001.jpg")
    assert reports == [
        f"{tmp_path / 'lfw/A_B/A_B_0001.jpg'}: duplicate of {tmp_path / 'deep/A_B/A_B_0001.jpg'}",
        f"{tmp_path / 'lfw/A_B/portrait.jpg'}: the name is not a person and a number, such as Name_0001",
    ]


def test_missing_pictures_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no picture such as Name_0001\.jpg found"):
        rows_of(tmp_path)
