"""Text files and tables: encodings, damage, headers, numbers."""

import gzip
from pathlib import Path

import pytest

from mien.learn.data.sources.shared.text_files import lines, number, plain, records, whole_number, within


@pytest.mark.parametrize("zipped", [False, True])
def test_lines_of_any_encoding(tmp_path: Path, zipped: bool) -> None:
    content = "\ufeffname\r\n\r\ncaf".encode() + b"\xe9\n \nend"
    path = tmp_path / ("a.txt.gz" if zipped else "a.txt")
    path.write_bytes(gzip.compress(content) if zipped else content)
    assert list(lines(path)) == [(1, "name"), (3, "caf\xe9"), (5, "end")]


def test_a_truncated_file_yields_its_lines_and_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"one\n" * 5000)[:-12])
    reports: list[str] = []
    found = list(lines(path, reports.append))
    assert {text for _, text in found} == {"one"}
    (line,) = reports
    assert line.startswith(f"{path}: line {len(found) + 1}: the file is truncated or damaged (")


def test_columns_are_identified_by_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('Path, VALENCE,x\n"a,b.jpg",0.5,1\nshort\n c.jpg , -1 ,2\n')
    reports: list[str] = []
    rows = list(records(path, reports.append, ("valence", "path"), optional=("X", "y")))
    assert rows == [
        (2, {"path": "a,b.jpg", "valence": "0.5", "X": "1"}),
        (4, {"path": "c.jpg", "valence": "-1", "X": "2"}),
    ]
    assert reports == [f"{path}: line 3: 1 cells, expected 3"]
    assert [set(cells) for _, cells in records(path, reports.append, ("path",))] == [{"path"}] * 2


@pytest.mark.parametrize("header_optional", [False, True])
def test_missing_columns_are_named(tmp_path: Path, header_optional: bool) -> None:
    (tmp_path / "a.csv").write_text("url,b\n1,2\n")
    with pytest.raises(ValueError, match=r"a\.csv: has no column c, d \(it has url, b\)"):
        list(records(tmp_path / "a.csv", pytest.fail, ("url", "c", "d"), header_optional=header_optional))


def test_an_empty_table_lacks_its_columns_unless_the_header_is_optional(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    assert list(records(tmp_path / "a.csv", pytest.fail, ("path",), header_optional=True)) == []
    with pytest.raises(ValueError, match=r"has no column path \(it has none\)"):
        list(records(tmp_path / "a.csv", pytest.fail, ("path",)))


@pytest.mark.parametrize("header", ["", "\ufeffURL ,' AU 1',more\r\n", "more,'url','AU 1'\n"])
def test_an_optional_header_may_be_missing(header: str, tmp_path: Path) -> None:
    row = {"": "u,1,x", "\ufeff": "u,1,x", "m": "x,u,1"}[header[:1]]
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(f"{header}{row}\r\n".encode()))
    ((line, cells),) = records(path, pytest.fail, ("URL", "AU 1"), header_optional=True)
    assert line == 1 + bool(header)
    assert cells == {"URL": "u", "AU 1": "1"}


def test_short_rows_are_reported_and_open_quotes_are_characters(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('a\t1\nb\n"c\t3\n"d d"\t4\n')
    reports: list[str] = []
    rows = records(tmp_path / "a.txt", reports.append, ("name", "value"), delimiter="\t", header_optional=True)
    assert [tuple(cells.values()) for _, cells in rows] == [("a", "1"), ('"c', "3"), ("d d", "4")]
    assert reports == [f"{tmp_path / 'a.txt'}: line 2: 1 cells, expected 2"]


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1.0), (" -0.5 ", -0.5), ("", None), ("x", None), ("nan", None), ("inf", None)]
)
def test_numbers_are_finite(text: str, value: float | None) -> None:
    assert number(text) == value


def test_numbers_are_in_their_range() -> None:
    assert (within(" -0.5 "), within("-1"), within("1")) == (-0.5, -1, 1)
    assert whole_number("7.0", 0, 10) == 7
    for text, message in (("x", "'x' is not a number"), ("nan", "not a number"), ("1.5", r"1.5 is outside \[-1, 1\]")):
        with pytest.raises(ValueError, match=message):
            within(text)
    with pytest.raises(ValueError, match=r"0\.5 is not a whole number"):
        whole_number("0.5", 0, 1)


def test_names_are_compared_by_letters_and_digits() -> None:
    assert plain("'AU 1'") == plain("au_1") == "au1" != plain("AU10")
