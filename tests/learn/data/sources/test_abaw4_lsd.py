"""ABAW4: pictures sorted into folders or listed."""

from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.abaw4_lsd import METADATA, TASKS, read

TRAIN, VALID = "training_set_synthetic_images", "validation_set_real_images"


def touch(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rows_of(root: Path) -> tuple[list[dict[str, Any]], list[str]]:
    reports: list[str] = []
    rows = list(read(root, reports.append))
    check_labels(root, rows, TASKS)
    return rows, reports


@pytest.mark.parametrize("anger", ["ANGER", "ANGERE", "ANGRER"])
def test_folders_are_expressions_in_each_spelling(tmp_path: Path, anger: str) -> None:
    for name in (anger, "DISGUST", "FEAR", "HAPPINESS", "SADNESS", "SURPRISE"):
        touch(tmp_path / f"LSD/{TRAIN}/{name}/00001.jpg")
    touch(tmp_path / f"LSD/{TRAIN}/{anger}/.DS_Store")
    touch(tmp_path / f"LSD/{VALID}/Fear/1.JPG")
    rows, reports = rows_of(tmp_path)
    assert [row["expression"] for row in rows] == [
        "anger", "disgust", "fear", "happiness", "sadness", "surprise", "fear",
    ]  # fmt: skip
    assert [row["split"] for row in rows] == ["train"] * 6 + ["valid"]
    assert rows[0] == {
        "path": str(tmp_path / f"LSD/{TRAIN}/{anger}/00001.jpg"),
        "split": "train",
        "dataset": "abaw4_lsd",
        "subject": None,
        "expression": "anger",
    }
    assert reports == []
    assert "expression" in METADATA["weak"]


def test_a_folder_of_another_name_is_reported(tmp_path: Path) -> None:
    touch(tmp_path / f"{TRAIN}/FEAR/1.jpg")
    touch(tmp_path / f"{TRAIN}/NEUTRAL/1.jpg")
    rows, reports = rows_of(tmp_path)
    assert len(rows) == 1
    assert reports == [f"{tmp_path / TRAIN / 'NEUTRAL'}: does not start with any of ANG, DIS, FEA, HAP, SAD, SUR"]


def test_a_list_next_to_pictures_without_folders(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/2.jpg", "3.jpg"):
        touch(tmp_path / VALID / name)
    path = touch(
        tmp_path / "validation_set_annotations.txt",
        "\ufeffimage,expression\r\na/1.jpg,0\r\na/1.jpg,0\r\na\\2.jpg,5\r\n3.jpg,6\r\n3.jpg\r\n4.jpg,1\r\n",
    )
    rows, reports = rows_of(tmp_path)
    assert [(row["expression"], row["split"]) for row in rows] == [("anger", "valid"), ("surprise", "valid")]
    assert [line.removeprefix(f"{path}: line ") for line in reports] == [
        "3: a/1.jpg: duplicate picture",
        "5: 6 is outside [0, 5]",
        "6: 1 cells, expected 2",
        f"7: 4.jpg: no such picture in {tmp_path / VALID}",
    ]


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train\*set\*synthetic\* or valid\*set\*real\* not found"):
        rows_of(tmp_path)
    touch(tmp_path / VALID / "1.jpg")
    with pytest.raises(FileNotFoundError, match=r"\*valid\*\.txt or "):
        rows_of(tmp_path)
