"""A table of one's own: CSV or Parquet, a row a picture, label columns named as ``mien tasks`` prints them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from mien.learn.data.prepare import Row
from mien.tasks import Task

SPLITS = ("train", "valid")


def read(path: Path, tasks: Sequence[Task], *, validation: float = 0.2) -> list[Row]:
    """Manifest rows of the table.

    ``path`` (needed) is relative to the table's folder. Known label columns are taken as they are, empty cells
    as not annotated. Without a column ``split`` the rows are divided into train and valid by a hash of ``subject``,
    or of ``path`` where there is no subject: one person is never in both, and adding rows moves nobody.

    Args:
        path: a ``.csv`` or ``.parquet`` file.
        tasks: whose label columns to take.
        validation: share of subjects in valid.

    Raises:
        ValueError: if the file is no such table, or has no column ``path`` or no label column.
        OSError: if it cannot be opened.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{path}: expected a .csv or .parquet file")
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from None
    labels = {name for task in tasks for name in (task.name, *task.labels)}
    kept = [name for name in table.column_names if name in labels]
    if "path" not in table.column_names or not kept:
        columns = ", ".join(table.column_names)
        raise ValueError(
            f"{path}: needs a column path and label columns as `mien tasks` prints them (it has {columns})"
        )
    extra = [name for name in ("split", "subject") if name in table.column_names]
    rows: list[Row] = table.select(["path", *extra, *kept]).to_pylist()
    for row in rows:
        row.setdefault("split", _split(str(row.get("subject") or row["path"]), validation))
        row["path"] = str(path.parent / row["path"])
        for name in kept:
            row[name] = None if row[name] == "" else row[name]
    return rows


def _split(key: str, validation: float) -> str:
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return SPLITS[place < validation]
