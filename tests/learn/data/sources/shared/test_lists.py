"""Tables with and without a header."""

import gzip
import os
from pathlib import Path

import pytest

from mien.learn.data.sources.shared.lists import Catalogue, table, whole_number, within


@pytest.mark.parametrize("header", ["", "\ufeffURL ,' AU 1',more\r\n", "more,'url','AU 1'\n"])
def test_a_header_may_be_there_or_not(header: str, tmp_path: Path) -> None:
    row = {"": "u,1,x", "\ufeff": "u,1,x", "m": "x,u,1"}[header[:1]]
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(f"{header}{row}\r\n".encode()))
    ((line, cells),) = table(path, pytest.fail, ("URL", "AU 1"))
    assert line == 1 + bool(header)
    assert cells == {"URL": "u", "AU 1": "1"}


def test_a_header_that_lacks_a_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("url,b\n1,2\n")
    with pytest.raises(ValueError, match=r"a\.csv: has no column c \(it has url, b\)"):
        list(table(tmp_path / "a.csv", pytest.fail, ("url", "c")))


def test_short_rows_are_faults_and_open_quotes_are_letters(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('a\t1\nb\n"c\t3\n"d d"\t4\n')
    faults: list[str] = []
    rows = list(table(tmp_path / "a.txt", faults.append, ("name", "value"), "\t"))
    assert [tuple(cells.values()) for _, cells in rows] == [("a", "1"), ('"c', "3"), ("d d", "4")]
    assert faults == [f"{tmp_path / 'a.txt'}: line 2: 1 cells, expected 2"]


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert list(table(tmp_path / "a.csv", pytest.fail, ("a",))) == []


def test_numbers_in_their_range() -> None:
    assert within(" -0.5 ") == -0.5
    assert whole_number("7.0", 0, 10) == 7
    for text, message in (("x", "'x' is not a number"), ("nan", "not a number"), ("1.5", r"1.5 is outside \[-1, 1\]")):
        with pytest.raises(ValueError, match=message):
            within(text)
    with pytest.raises(ValueError, match=r"0\.5 is not a whole number"):
        whole_number("0.5", 0, 1)


def test_files_are_found_whatever_their_case_and_ending(tmp_path: Path) -> None:
    for name in ("A.JPG", "b.png", ".hidden.jpg", "deep/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    catalogue = Catalogue()
    assert catalogue.find(tmp_path / "a.jpg") == tmp_path / "A.JPG"
    assert catalogue.find(tmp_path / "b.jpg") == tmp_path / "b.png"
    assert catalogue.find(tmp_path / "deep/c.jpg") == tmp_path / "deep/c.jpg"
    assert catalogue.find(tmp_path / "a") == tmp_path / "A.JPG"
    assert [catalogue.find(tmp_path / name) for name in (".hidden.jpg", "c.jpg", "gone/a.jpg")] == [None] * 3


def test_a_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: calls.append(folder) or scandir(folder))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    catalogue = Catalogue()
    for n in range(40):
        assert catalogue.find(tmp_path / "ab"[n % 2] / f"{n}.jpg") is None
    assert calls == [tmp_path / "a", tmp_path / "b"]
