"""BP4D in its official layout: two people, one task each."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.bp4d import FERA_2015, FOLDS, PEOPLE, TASKS, read

TABLE = "0,1,2,6,12,27,99\n{}\n"


def put(
    root: Path, subject: str, task: str, frames: range, *, photos: str = "2D+3D/{}/{}", name: str = "{:04d}.jpg"
) -> None:
    lines = [f"{frame},{int(frame % 2 == 0)},0,1,9,1,0" for frame in frames]
    table = root / "AUCoding" / "AU_OCC" / f"{subject}_{task}.csv"
    grades = root / "AUCoding" / "AU_INT" / "AU06" / f"{subject}_{task}_AU06.csv"
    folder = root / photos.format(subject, task)
    for place in (table.parent, grades.parent, folder):
        place.mkdir(parents=True, exist_ok=True)
    table.write_text(TABLE.format("\n".join(lines)))
    grades.write_text("".join(f"{frame},{3 if frame % 2 else 9}\n" for frame in frames))
    for frame in frames:
        (folder / name.format(frame)).touch()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "BP4D"
    put(root, "F001", "T1", range(5, 8))
    put(root, "M002", "T8", range(1, 3))
    (root / "AUCoding" / "AU_OCC" / "notes.txt").touch()
    return root


def rows_of(root: Path, **options: Any) -> list[dict[str, Any]]:
    return list(read(root, pytest.fail, **options))


def test_every_coded_frame_has_a_row(folder: Path) -> None:
    rows = rows_of(folder.parent)
    check_labels(folder, rows, TASKS)
    assert [(row["video"], row["frame"], Path(row["path"]).name) for row in rows] == [
        ("F001_T1", 4, "0005.jpg"), ("F001_T1", 5, "0006.jpg"), ("F001_T1", 6, "0007.jpg"),
        ("M002_T8", 0, "0001.jpg"), ("M002_T8", 1, "0002.jpg"),
    ]  # fmt: skip
    assert rows[0]["timestamp"] == 4 / 25
    assert [row["AU01"] for row in rows[:3]] == [0, 1, 0]
    assert [row["AU12"] for row in rows[:3]] == [None] * 3
    assert [row["AU06_intensity"] for row in rows[:3]] == [3, None, 3]
    assert not {"AU27", "AU99"} & set(rows[0])


def test_the_partitions_are_those_of_fera_2015(folder: Path) -> None:
    assert list(FERA_2015.values()).count("train") == 21
    assert list(FERA_2015.values()).count("valid") == 20
    assert {row["subject"]: row["split"] for row in rows_of(folder)} == {"F001": "train", "M002": "valid"}


def test_the_folds_hold_out_each_person_once(folder: Path) -> None:
    assert sorted(person for fold in FOLDS for person in fold) == sorted(PEOPLE)
    assert {row["subject"]: row["split"] for row in rows_of(folder, fold=3)} == {"F001": "valid", "M002": "train"}
    with pytest.raises(ValueError, match="fold 4: there are folds 1 to 3"):
        rows_of(folder, fold=4)


def test_a_list_of_people_overrides_both(folder: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.txt"
    people.write_text("F001,test\n")
    assert {row["subject"]: row["split"] for row in rows_of(folder, subjects=people)} == {"F001": "test", "M002": "all"}


def test_photos_may_start_at_0_or_at_a_given_number(tmp_path: Path) -> None:
    put(tmp_path, "F001", "T1", range(1, 4), name="{}.JPG")
    photos = tmp_path / "2D+3D" / "F001" / "T1"
    (photos / "0.jpg").touch()
    assert [Path(row["path"]).stem for row in rows_of(tmp_path)] == ["0", "1", "2"]
    assert [Path(row["path"]).stem for row in rows_of(tmp_path, first=1)] == ["1", "2", "3"]


@pytest.mark.parametrize("place", ["AU_INT", "AU Intensity Codes3.0", "AUCoding/AU Intensity Codes3.0"])
def test_intensities_may_be_elsewhere(folder: Path, place: str) -> None:
    rows = rows_of(folder)
    (folder / "AUCoding" / "AU_INT").rename(folder / place)
    assert rows_of(folder) == rows


@pytest.mark.parametrize("place", ["BP4D-training/{}/{}", "images/{}/{}", "{}/{}"])
def test_photos_may_be_elsewhere_and_tables_zipped(tmp_path: Path, place: str) -> None:
    put(tmp_path, "F001", "T1", range(1, 3), photos=place, name="{:03d}.png")
    zipped = tmp_path / "AUCoding" / "AU_OCC" / "F001_T1.csv"
    (tmp_path / "AUCoding" / "AUCoding").mkdir()
    (tmp_path / "AUCoding" / "AUCoding" / "F001_T1.csv.gz").write_bytes(gzip.compress(zipped.read_bytes()))
    zipped.unlink()
    zipped.parent.rmdir()
    assert [row["frame"] for row in rows_of(tmp_path)] == [0, 1]


def test_unusable_rows_are_reported_and_the_rest_is_read(folder: Path) -> None:
    photos = folder / "2D+3D"
    (photos / "F001" / "T1" / "0006.jpg").unlink()
    for photo in (photos / "M002" / "T8").iterdir():
        photo.unlink()
    (photos / "M002" / "T8").rmdir()
    put(folder, "F003", "T1", range(1, 3))
    for photo in (photos / "F003" / "T1").iterdir():
        photo.unlink()
    (photos / "F003" / "T1").rmdir()
    (photos / "F003.zip").touch()
    table = folder / "AUCoding" / "AU_OCC" / "F001_T1.csv"
    table.write_text(table.read_text() + "7,0,0,1,0,0,0\n8,1\n")
    reports: list[str] = []
    rows = list(read(folder, reports.append))
    assert [row["frame"] for row in rows] == [4, 6]
    assert [line.split(": ", 1)[1] for line in reports] == [
        f"frame 6: no photo 6 in {photos / 'F001' / 'T1'}",
        "line 5: duplicate frame 7",
        "line 6: no frame number, or fewer than 7 cells",
        f"{photos / 'F003.zip'} must be unpacked first",
        "no folder M002/T8 with photos found in 2D+3D, BP4D-training, BP4D/BP4D-training, images, Images, videos",
    ]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"not the folder of this data set: AUCoding/AU_OCC or .* not found"):
        rows_of(tmp_path)
    (tmp_path / "AUCoding").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no table such as F001_T1\.csv found in AUCoding/AU_OCC"):
        rows_of(tmp_path)
