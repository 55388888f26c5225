import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from mien.annotate.schema import table_schema
from mien.table import writer as module
from mien.table.writer import TableWriteError, TableWriter
from mien.tasks import FACE

SCHEMA = table_schema(FACE, "tiny")


def rows(count: int) -> list[dict[str, object]]:
    found = {"input": 'a "b", é\n.jpg', "frame": 0, "face": 0, "x": 0.1, "AU01": 1 / 3, "expression": "fear"}
    lost = {"input": "c.jpg", "frame": 0, "note": "no face found"}
    return [found if index % 2 == 0 else lost for index in range(count)]


def read_back(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pa.parquet.read_table(path)
    if path.suffix == ".csv":
        convert = pa.csv.ConvertOptions(column_types=SCHEMA, strings_can_be_null=True, null_values=[""])
        parse = pa.csv.ParseOptions(newlines_in_values=True)
        return pa.csv.read_csv(path, convert_options=convert, parse_options=parse)
    return pa.Table.from_pylist([json.loads(line) for line in path.read_text().splitlines()], SCHEMA)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_every_format_reads_back_equal(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUFFER", 4)
    path = tmp_path / f"out{suffix}"
    with TableWriter(path, SCHEMA) as store:
        for row in rows(11):
            store.write([row])
    assert read_back(path).equals(pa.Table.from_pylist(rows(11), SCHEMA))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_parquet_keeps_metadata_and_has_row_groups(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "a.parquet", SCHEMA) as store:
        for _ in range(5):
            store.write(rows(500))
    file = pa.parquet.ParquetFile(tmp_path / "a.parquet")
    assert file.num_row_groups == 3
    assert file.schema_arrow.equals(SCHEMA, check_metadata=True)


def test_jsonl_writes_nulls_and_short_numbers(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "a.jsonl", SCHEMA) as store:
        store.write(rows(2))
    first, second = (tmp_path / "a.jsonl").read_text().splitlines()
    assert '"x": 0.1,' in first
    assert '"valence": null' in second
    assert list(json.loads(second)) == SCHEMA.names


def test_an_interruption_keeps_what_was_done(tmp_path: Path) -> None:
    def interrupted() -> None:
        with TableWriter(tmp_path / "a.parquet", SCHEMA) as store:
            store.write(rows(3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert pa.parquet.read_table(tmp_path / "a.parquet").num_rows == 3


def test_errors_stand_beside_the_table_and_a_stale_list_goes(tmp_path: Path) -> None:
    path, errors = tmp_path / "a.parquet", tmp_path / "a.errors.csv"
    with TableWriter(path, SCHEMA) as store:
        store.fail("b, c.jpg", "no such file")
        assert list(csv.reader(errors.read_text().splitlines())) == [["input", "error"], ["b, c.jpg", "no such file"]]
    with TableWriter(path, SCHEMA, overwrite=True):
        pass
    assert not errors.exists()
    assert pa.parquet.read_table(path).num_rows == 0


def test_summaries_of_a_table_that_is_replaced_go_with_it(tmp_path: Path) -> None:
    summaries = [tmp_path / "a.tracks.csv", tmp_path / "a.summary.csv"]
    for path in (tmp_path / "a.parquet", *summaries):
        path.write_text("of a video")
    with TableWriter(tmp_path / "a.csv", SCHEMA, overwrite=True):
        pass
    assert all(path.exists() for path in summaries)  # they are of a.parquet, which still stands
    with TableWriter(tmp_path / "a.parquet", SCHEMA, overwrite=True):
        pass
    assert not any(path.exists() for path in summaries)


def test_outputs_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mine")
    (tmp_path / "a.errors.csv").write_text("mine too")
    for name in ("a.csv", "a.parquet"):  # the second would replace the first one's list of errors
        with pytest.raises(TableWriteError, match="already exists"):
            TableWriter(tmp_path / name, SCHEMA)
    assert not (tmp_path / "a.parquet").exists()
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert (tmp_path / "a.errors.csv").exists()
    with pytest.raises(TableWriteError, match=r"\.parquet, \.csv, \.jsonl"):
        TableWriter(tmp_path / "a.xlsx", SCHEMA)
    with pytest.raises(TableWriteError, match="cannot be written: No such file or directory"):
        TableWriter(tmp_path / "none" / "a.csv", SCHEMA)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(TableWriteError, match=r"directory|exists"):
        TableWriter(tmp_path / "folder.csv", SCHEMA, overwrite=True)
    assert not (tmp_path / "a.xlsx").exists()


def test_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with TableWriter("-", SCHEMA) as store:
        store.write(rows(2)[1:])
        store.fail("a", "b")
    print("still open")
    out = capfdbinary.readouterr().out.decode().splitlines()
    assert out[0].startswith('"input","frame"')
    assert out[1].startswith('"c.jpg",0,,')
    assert out[2] == "still open"
