"""GFT: tables, and videos or photos, named by person."""

from pathlib import Path

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.gft import TASKS, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split, person in (("train", "001A"), ("test", "002b")):
        (tmp_path / "AU" / split).mkdir(parents=True)
        table = "Frame,AU1,AU2,AU14\n1,1,0,1\n2,-1,-1,-1\n3,0,9,0\n"
        (tmp_path / "AU" / split / f"{person}_codes.csv").write_text(table)
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "001A.MP4").touch()
    (tmp_path / "videos" / "002B.mp4").touch()
    (tmp_path / "readme.txt").write_text("100Abc")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "003C.csv").touch()
    return tmp_path


def test_coded_frames_have_a_row(folder: Path) -> None:
    rows = sorted(read(folder, pytest.fail), key=lambda row: row["subject"])
    check_labels(folder, rows, TASKS)
    assert [(row["subject"], row["frame"], row["AU01"], row["AU02"], row["AU14"]) for row in rows] == [
        ("001A", 0, 1, 0, 1), ("001A", 2, 0, None, 0), ("002B", 0, 1, 0, 1), ("002B", 2, 0, None, 0),
    ]  # fmt: skip
    assert {row["subject"]: row["split"] for row in rows} == {"001A": "train", "002B": "test"}
    assert {row["subject"]: Path(row["path"]).name for row in rows} == {"001A": "001A.MP4", "002B": "002B.mp4"}
    assert rows[1]["timestamp"] == 2 / 30


def test_a_list_of_people_overrides_the_folders(folder: Path) -> None:
    (folder / "people.txt").write_text("001A valid\n")
    rows = read(folder, pytest.fail, subjects=folder / "people.txt")
    assert {row["subject"]: row["split"] for row in rows} == {"001A": "valid", "002B": "all"}


def test_photos_may_start_at_0(folder: Path) -> None:
    (folder / "images" / "001A").mkdir(parents=True)
    for number in range(3):
        (folder / "images" / "001A" / f"{number}.jpg").touch()
    rows = [row for row in read(folder, pytest.fail) if row["subject"] == "001A"]
    assert [(row["frame"], Path(row["path"]).name) for row in rows] == [(0, "0.jpg"), (2, "2.jpg")]


def test_photos_are_used_instead_of_videos_and_missing_ones_are_reported(folder: Path) -> None:
    (folder / "images" / "001A").mkdir(parents=True)
    for number in (1, 2):
        (folder / "images" / "001A" / f"{number}.jpg").touch()
    (folder / "videos" / "002B.mp4").unlink()
    reports: list[str] = []
    rows = list(read(folder, reports.append))
    assert [Path(row["path"]).name for row in rows] == ["1.jpg"]
    assert sorted(line.split(": ", 1)[1] for line in reports) == [
        f"frame 3: no photo 3 in {folder / 'images' / '001A'}",
        "neither a video 002B nor a folder 002B of photos found",
    ]


def test_damaged_rows_are_reported(folder: Path) -> None:
    table = folder / "AU" / "train" / "001A_codes.csv"
    table.write_text("\ufeffFrame,AU1,AU2,AU14\n1,1,0\n1,1,0,1\n1,1,0,1\n2,5,0,1\n")
    reports: list[str] = []
    rows = [row for row in read(folder, reports.append) if row["subject"] == "001A"]
    assert [(row["frame"], row["AU01"]) for row in rows] == [(0, 1), (1, None)]
    assert [line.split(": ", 2)[2] for line in reports] == [
        "no frame number, or fewer than 4 cells", "duplicate frame 1", "AU01 is '5', expected 0 or 1",
    ]  # fmt: skip


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"not the folder of this data set: no table such as 001A\.csv found"):
        list(read(tmp_path, pytest.fail))
