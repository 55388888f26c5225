import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.table.reader import AnnotatedTable, TableError
from mien.tasks import FACE, Kind


def test_metadata_and_columns(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    table = AnnotatedTable(annotations(tmp_path / "t.parquet", [(0, 0.0, 0), (1, 0.04, -1)], metadata={"x": "1"}))
    assert (table.tasks, table.rows, table.timed) == (FACE, 2, True)
    assert (table.metadata["model"], table.metadata["x"]) == ("tiny", "1")
    assert table.of(Kind.CONTINUOUS) == ["valence", "arousal"]
    assert [batch.num_rows for batch in table.batches(size=1)] == [1, 1]
    assert next(table.batches(["frame", "none such"])).schema.names == ["frame"]
    pictures = annotations(tmp_path / "p.parquet", [(0, 0.0, None)], video=False)
    assert not AnnotatedTable(pictures).timed


def test_files_that_are_not_tables_of_mien(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    good = annotations(tmp_path / "good.parquet", [(0, 0.0, 0)])
    (tmp_path / "d.parquet").mkdir()
    (tmp_path / "empty.parquet").write_bytes(b"")
    (tmp_path / "cut.parquet").write_bytes(good.read_bytes()[:-700])
    pq.write_table(pa.table({"AU01_r": [1.0]}), tmp_path / "other.parquet")
    whole = pq.read_table(good)

    def without(key: str, name: str, value: str | None = None) -> None:
        kept = {k: v for k, v in whole.schema.metadata.items() if k != key.encode()}
        pq.write_table(whole.replace_schema_metadata({**kept, **({key: value} if value else {})}), tmp_path / name)

    without("tasks", "old.parquet")
    without("tasks", "broken.parquet", "[{}]")
    pq.write_table(whole.drop_columns(["AU12", "expression"]), tmp_path / "less.parquet")
    reasons = {
        "t.csv": "the name must end in .parquet",
        "missing.parquet": "no such file",
        "d.parquet": "is a folder",
        "empty.parquet": "cannot be read",
        "cut.parquet": "cannot be read",
        "other.parquet": "not a table from mien annotate",
        "old.parquet": "has no label space: no metadata 'tasks'",
        "broken.parquet": "its metadata 'tasks' cannot be read",
        "less.parquet": "has no column AU12, expression",
    }
    for name, reason in reasons.items():
        with pytest.raises(TableError) as caught:
            AnnotatedTable(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: {reason}")
        assert "\n" not in str(caught.value)


def test_damage_in_the_middle_is_an_error_of_one_line(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    path = annotations(tmp_path / "t.parquet", [(index, index / 25, 0) for index in range(500)])
    content = bytearray(path.read_bytes())
    content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
    path.write_bytes(content)
    with pytest.raises(TableError, match="cannot be read"):
        list(AnnotatedTable(path).batches())


def test_any_label_space(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    tasks = FACE[:1]
    path = annotations(tmp_path / "t.parquet", [(0, 0.0, 0)], tasks)
    assert json.loads(AnnotatedTable(path).metadata["tasks"])[0]["name"] == "expression"
    assert AnnotatedTable(path).tasks == tasks
