"""Tables of action units, written cell by cell."""

import gzip
from pathlib import Path

import pytest

from mien.learn.data.sources.shared.au_coding import au_label, intensities, occurrences


def test_units_outside_the_label_space_have_no_label() -> None:
    assert [au_label(number) for number in (1, 26, 11, 27, 99)] == ["AU01", "AU26", None, None, None]


@pytest.mark.parametrize(
    "head", ["0,1,2,11,99", "1,1,2,11,99", "frame,AU01,AU2,AU11,occluded", "\ufeffFrame,AU1_c,02,x,y"]
)
def test_columns_are_identified_by_the_numbers_in_the_header(tmp_path: Path, head: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{head}\n7,1,0,1,0\n8,9,1,0,1\n\n")
    reports: list[str] = []
    assert list(occurrences(path, reports.append)) == [(7, {"AU01": 1, "AU02": 0}), (8, {"AU01": None, "AU02": 1})]
    assert not reports


def test_other_places_of_the_frame_and_other_delimiters(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"AU12; Frame \n1;3\n-1;4\n;5\nNaN;6\n"))
    rows = dict(occurrences(path, pytest.fail, missing=(-1, 9)))
    assert rows == {3: {"AU12": 1}, 4: {"AU12": None}, 5: {"AU12": None}, 6: {"AU12": None}}


def test_unusable_rows_are_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("0,1,2\n1,1,0\n2,2,x\n3,1\nz,1,1\n1,0,0\n1.5,0,0\n4,0,1\n")
    reports: list[str] = []
    assert dict(occurrences(path, reports.append)) == {
        1: {"AU01": 1, "AU02": 0},
        2: {"AU01": None, "AU02": None},
        4: {"AU01": 0, "AU02": 1},
    }
    assert reports == [
        f"{path}: line 3: AU01 is '2', expected 0 or 1",
        f"{path}: line 3: AU02 is 'x', expected 0 or 1",
        f"{path}: line 4: no frame number, or fewer than 3 cells",
        f"{path}: line 5: no frame number, or fewer than 3 cells",
        f"{path}: line 6: duplicate frame 1",
        f"{path}: line 7: no frame number, or fewer than 3 cells",
    ]


@pytest.mark.parametrize("content", ["", "a,b\n1,1\n", "1,0,0\n2,0,1\n"])
def test_a_table_without_a_header_is_reported(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    reports: list[str] = []
    assert list(occurrences(path, reports.append)) == []
    assert reports == [f"{path}: no known action unit in the first line"]


def test_intensities(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("frame,AU06\n1,0\n2,5\n3,9\n4 2.5\n")
    assert intensities(path, pytest.fail) == {1: 0, 2: 5, 4: 2.5}


def test_intensities_out_of_range_are_reported_and_skipped(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("0,1\n1,6\n2,-1\n3\n4,1\n4,2\n5,x\n")
    reports: list[str] = []
    assert intensities(path, reports.append, first=1) == {4: 1}
    assert [line.split(": ", 2)[1:] for line in reports] == [
        ["line 1", "'0,1' is not a frame and an intensity"],
        ["line 2", "intensity 6 is outside 0 to 5"],
        ["line 3", "intensity -1 is outside 0 to 5"],
        ["line 4", "'3' is not a frame and an intensity"],
        ["line 6", "duplicate frame 4"],
        ["line 7", "'5,x' is not a frame and an intensity"],
    ]
