"""BP4D+ in its official layout: the header calls the column of the frame 1, and photos start at 0."""

from pathlib import Path

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.bp4d_plus import TASKS, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "RawData"
    tables = root / "AUCoding" / "AU_OCC"
    tables.mkdir(parents=True)
    (tables / "M058_T7.csv").write_text("1,1,2,4,39,99\n2,1,0,0,0,0\n3,9,9,9,9,1\n4,0,0,1,0,0\n")
    photos = root / "2D+3D" / "M058" / "T7"
    photos.mkdir(parents=True)
    for number in range(4):
        (photos / f"{number:04d}.jpg").touch()
    return root


def test_the_first_column_is_the_frame_and_not_unit_1(folder: Path) -> None:
    rows = list(read(folder.parent, pytest.fail))
    check_labels(folder, rows, TASKS)
    assert [(row["frame"], row["AU01"], row["AU02"], row["AU04"]) for row in rows] == [
        (1, 1, 0, 0), (2, None, None, None), (3, 0, 0, 1),
    ]  # fmt: skip
    assert [Path(row["path"]).name for row in rows] == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert {(row["dataset"], row["split"], row["subject"]) for row in rows} == {("bp4d_plus", "all", "M058")}


def test_partitions_come_from_a_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "fera2017.txt").write_text("M058 valid\n")
    assert {row["split"] for row in read(folder, pytest.fail, subjects=tmp_path / "fera2017.txt")} == {"valid"}


def test_a_frame_without_a_photo_is_reported(folder: Path) -> None:
    (folder / "2D+3D" / "M058" / "T7" / "0002.jpg").unlink()
    reports: list[str] = []
    assert [row["frame"] for row in read(folder, reports.append)] == [1, 3]
    assert len(reports) == 1
    assert "frame 3:" in reports[0]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="AUCoding/AU_OCC"):
        list(read(tmp_path, pytest.fail))
