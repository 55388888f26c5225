"""The Clothing Attributes Data Set in its official layout, with known values."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.clothing import ATTRIBUTES, BINARY, CLASSES, SEVERAL, TASKS, read
from mien.tasks import groups

PHOTOS = [b"one", b"two", b"one", b"three", b"four"]


def all_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a folder without errors."""
    reports: list[str] = []
    rows = list(read(folder, reports.append))
    assert not reports
    return rows


def put(folder: Path, name: str, values: list[float]) -> None:
    scipy.io.savemat(folder / "labels" / f"{name}_GT.mat", {"GT": np.array(values, float)[:, None]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for number, content in enumerate(PHOTOS, 1):
        (tmp_path / "images" / f"{number:06d}.jpg").write_bytes(content)
    for name in BINARY:
        put(tmp_path, name, [1, 1, 1, 1, 1])
    put(tmp_path, "category", [1, 7, np.nan, 3, 6])
    put(tmp_path, "gender", [2, 1, np.nan, 2, 2])
    put(tmp_path, "many_colors", [np.nan, 2, 1, 1, 1])
    put(tmp_path, "sleevelength", [1, 2, 3, np.nan, 3])
    put(tmp_path, "neckline", [np.nan, 3, 1, 2, 2])
    return tmp_path


def test_every_value_has_its_name(folder: Path) -> None:
    rows = all_of(folder)
    assert [row["category"] for row in rows] == ["shirt", "dress", None, "T-shirt", "tank top"]
    assert [row["female"] for row in rows] == [1, 0, None, 1, 1]
    assert [row["many colours"] for row in rows] == [None, 1, 0, 0, 0]
    assert [row["necktie"] for row in rows] == [0] * 5
    assert [Path(row["path"]).name for row in rows] == [f"{n:06d}.jpg" for n in range(1, 6)]
    assert {row["split"] for row in rows} == {"all"}


def test_an_attribute_with_several_values_has_one_label_per_value(folder: Path) -> None:
    rows = all_of(folder)
    sleeves = [[row[label] for label in SEVERAL["sleevelength"]] for row in rows]
    assert sleeves == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [None] * 3, [0, 0, 1]]
    necklines = [[row[label] for label in SEVERAL["neckline"]] for row in rows]
    assert necklines == [[None] * 3, [0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert SEVERAL["sleevelength"][2] == "sleeve_length=long"
    assert SEVERAL["neckline"][0] == "neckline=V"


def test_the_label_space_is_that_of_the_paper(folder: Path) -> None:
    assert (len(CLASSES), len(BINARY), len(ATTRIBUTES)) == (7, 23, 29)
    assert {name: len(found) for name, found in groups(ATTRIBUTES).items()} == {"sleeve_length": 3, "neckline": 3}
    assert not set(CLASSES) & set(ATTRIBUTES)  # both would be columns
    rows = all_of(folder)
    assert set(ATTRIBUTES) < set(rows[0])
    check_labels(folder, rows, TASKS)


def test_photos_with_the_same_bytes_are_one_subject(folder: Path) -> None:
    assert [row["subject"] for row in all_of(folder)] == ["000001", "000002", "000001", "000004", "000005"]


def test_a_missing_photo_is_reported(folder: Path) -> None:
    for number in (2, 3):
        (folder / "images" / f"{number:06d}.jpg").unlink()
    reports: list[str] = []
    assert [row["subject"] for row in read(folder, reports.append)] == ["000001", "000004", "000005"]
    assert reports == [f"{folder / 'images' / f'{number:06d}.jpg'}: no such file" for number in (2, 3)]


@pytest.mark.parametrize("name", ["labels/scarf_GT.mat", "labels/category_GT.mat"])
def test_a_missing_file_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"not the folder of this data set: {name} not found"):
        all_of(folder)


def test_all_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"images, .*category_GT.mat, .*necktie_GT.mat.* not found"):
        all_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("collar", [1, 2, 3, 2, 1], r"collar_GT\.mat: photo 3: value 3, expected 1 to 2"),
        ("neckline", [0, 1, 2, 3, 1], r"neckline_GT\.mat: photo 1: value 0, expected 1 to 3"),
        ("category", [1, 2, 3, 1.5, 8], r"category_GT\.mat: photo 4: value 1\.5, expected 1 to 7"),
        ("category", [1, 2, 3, np.inf, 7], r"category_GT\.mat: photo 4: value inf"),
    ],
)
def test_a_value_out_of_range_is_reported_and_null(name: str, values: list[float], message: str, folder: Path) -> None:
    put(folder, name, values)
    reports: list[str] = []
    rows = list(read(folder, reports.append))
    assert len(rows) == 5
    assert re.search(message, reports[0])
    row = rows[int(re.findall(r"photo (\d)", reports[0])[0]) - 1]
    labels = SEVERAL[name] if name in SEVERAL else (BINARY.get(name, name),)
    assert [row[label] for label in labels] == [None] * len(labels)


def test_a_file_with_fewer_labels_is_refused(folder: Path) -> None:
    put(folder, "collar", [1, 2, 1, 2])
    with pytest.raises(ValueError, match=r"collar_GT\.mat: 4 labels, but category_GT\.mat has 5"):
        all_of(folder)


def test_other_files_are_refused(folder: Path) -> None:
    (folder / "labels" / "red_GT.mat").write_bytes(b"no matlab file, but long enough to look at" * 10)
    with pytest.raises(ValueError, match=r"red_GT\.mat: not a readable MATLAB file"):
        all_of(folder)
    (folder / "labels" / "red_GT.mat").write_bytes(b"")
    with pytest.raises(ValueError, match=r"red_GT\.mat: not a readable MATLAB file"):
        all_of(folder)
    scipy.io.savemat(folder / "labels" / "red_GT.mat", {"other": np.ones(5)})
    with pytest.raises(ValueError, match=r"red_GT\.mat: has no GT"):
        all_of(folder)
