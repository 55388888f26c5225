"""Files of a release: those that must be there, zipped and ragged ones."""

import gzip
from pathlib import Path

import pytest

from mien.learn.data.sources.shared.files import inside, lines, number, records, required


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.csv").touch()
    assert required(tmp_path, ("a.csv", "b.csv"), "*.csv") == [tmp_path / "b.csv"] * 2
    with pytest.raises(FileNotFoundError, match=r"c\.csv or d\.csv, e\.txt not found"):
        required(tmp_path, ("c.csv", "d.csv"), "b.csv", "e.txt")


@pytest.mark.parametrize("zipped", [False, True])
def test_lines_of_any_text(tmp_path: Path, zipped: bool) -> None:
    content = "\ufeffname\r\n\r\ncaf".encode() + b"\xe9\n \nend"
    path = tmp_path / ("a.txt.gz" if zipped else "a.txt")
    path.write_bytes(gzip.compress(content) if zipped else content)
    assert list(lines(path)) == [(1, "name"), (3, "caf\xe9"), (5, "end")]


def test_a_file_that_is_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\n" * 5000)[:-12])
    faults: list[str] = []
    assert all(text == "one" for _, text in lines(path, faults.append))
    assert len(faults) == 1
    assert "cut short or damaged" in faults[0]


def test_records_go_by_their_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('Path, VALENCE,x\n"a,b.jpg",0.5,1\nshort\n c.jpg , -1 ,2\n')
    faults: list[str] = []
    rows = list(records(path, faults.append, ("path", "valence")))
    assert rows == [
        (2, {"path": "a,b.jpg", "valence": "0.5", "x": "1"}),
        (4, {"path": "c.jpg", "valence": "-1", "x": "2"}),
    ]
    assert faults == [f"{path}: line 3: 1 cells, expected 3"]
    with pytest.raises(ValueError, match=r"has no column arousal \(it has Path"):
        list(records(path, faults.append, ("arousal",)))


def test_an_empty_table_lacks_its_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(ValueError, match=r"has no column path \(it has none\)"):
        list(records(tmp_path / "a.csv", print, ("path",)))


@pytest.mark.parametrize(("text", "value"), [("1", 1.0), (" -0.5 ", -0.5), ("", None), ("x", None), ("nan", None)])
def test_numbers(text: str, value: float | None) -> None:
    assert number(text) == value


def test_either_slash_leads_inside() -> None:
    assert inside(Path("r"), "a\\b.jpg") == inside(Path("r"), "/a/b.jpg") == Path("r/a/b.jpg")
