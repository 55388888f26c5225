"""Your own table: CSV or Parquet, one row per picture, label columns named as in `mien tasks`.

Expected layout: one file, ``.csv``, ``.csv.gz`` or ``.parquet``, with a column ``path``, relative to the folder of the
file, and any label columns; empty cells are not annotated. The columns of docs/data.md (split, subject, video, frame,
box, landmarks, ...) have the meaning given there; others are kept. The option ``tasks`` defines another label space, in
a small YAML or JSON file (:mod:`mien.learn.data.manifest.task_file`).
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from mien.learn.data.manifest.columns import GIVEN, REAL, TEXT, Row, types
from mien.learn.data.manifest.task_file import read_tasks
from mien.learn.data.sources.shared.release_files import Report
from mien.learn.data.sources.shared.splits import train_or_valid
from mien.tasks import ALL_TASKS, COMPOUND, FACE, Kind, Task

TASKS = FACE
METADATA = {"licence": "your own"}
FILE = True
"""The root is a file."""

SIDE = 112
"""Side of whole pictures, for a label space without tasks of faces."""

RESERVED = ("crop", "found", "excluded", GIVEN)
"""Columns that preparation and cleaning write."""


def tasks(root: Path, *, tasks: Path | None = None) -> tuple[Task, ...]:
    """Return the tasks of the file, or those of faces, with compound expressions if the table has that column.

    Raises:
        ValueError: if the file of tasks or the table is not valid.
        OSError: if one cannot be opened.
    """
    if tasks is not None:
        return read_tasks(tasks)
    return ALL_TASKS if COMPOUND.name in _column_names(root) else TASKS


def whole(tasks: Sequence[Task]) -> int | None:
    """Return the side at which pictures are packed whole, or None if one of the tasks is a task of faces."""
    return None if any(task in ALL_TASKS for task in tasks) else SIDE


def read(root: Path, report: Report, *, tasks: Path | None = None, validation: float = 0.2) -> Iterator[Row]:
    """Yield the rows of the table.

    Rows without a ``split`` are divided into train and valid by a hash of ``subject``, or of ``path`` if there is no
    subject: nobody is in both, and adding rows does not move others.

    Args:
        root: a ``.csv``, ``.csv.gz`` or ``.parquet`` file.
        report: called with a line for each row that has no path or not as many cells as the header.
        tasks: a file with the label space; that of `mien tasks` by default.
        validation: share of subjects in valid.

    Raises:
        ValueError: if the file is not such a table, or has no label column or a misspelled one.
        OSError: if it cannot be opened.
    """
    if not 0 <= validation < 1:
        raise ValueError(f"validation {validation:g}: expected a share from 0 to less than 1")
    space = label_space(root, tasks=tasks)
    known = types(space)
    number = 0
    for batch in _batches(root, report, space):
        columns = {name: _typed(batch[name], known.get(name)) for name in batch.column_names}
        for row in pa.table(columns).to_pylist():
            number += 1
            if row["path"] in (None, ""):
                report(f"{root}: row {number}: has no path")
                continue
            row["path"] = str(root.parent / _slashed(str(row["path"])))
            subject = row.get("subject")
            key = row["path"] if subject is None else str(subject)
            row["split"] = row.get("split") or train_or_valid(key, validation)
            yield row


label_space = tasks  # for :func:`read`, where ``tasks`` is an argument


def _column_names(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix == ".parquet":
        try:
            return list(pq.read_schema(path).names)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path}: {str(error).splitlines()[0]}") from None
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        raise ValueError(f"{path}: expected a .csv, .csv.gz or .parquet file")
    return _header(path)


def _batches(path: Path, report: Report, tasks: Sequence[Task]) -> Iterator[pa.Table]:
    """Yield the table in batches; the cells of a CSV file are text."""
    header = _column_names(path)
    _check_header(path, header, tasks)
    try:
        if path.suffix != ".parquet":
            yield from _csv_batches(path, header, report)
            return
        with pq.ParquetFile(path) as file:
            yield from (pa.Table.from_batches([batch]) for batch in file.iter_batches())
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from None


def _csv_batches(path: Path, header: Sequence[str], report: Report) -> Iterator[pa.Table]:
    def ragged(row: Any) -> str:
        place = "" if row.number is None else f"line {row.number}: "
        report(f"{path}: {place}{row.actual_columns} cells, expected {row.expected_columns}")
        return "skip"

    text = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(header, TEXT), strings_can_be_null=True, null_values=[""]
    )
    parse = pyarrow.csv.ParseOptions(invalid_row_handler=ragged, newlines_in_values=True)
    plain = pyarrow.csv.ReadOptions(use_threads=False)  # with threads, line numbers are unknown
    with pa.input_stream(str(path), compression="detect") as stream:
        for batch in pyarrow.csv.open_csv(stream, read_options=plain, parse_options=parse, convert_options=text):
            yield pa.Table.from_batches([batch])


def _header(path: Path) -> list[str]:
    with (
        gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig") as file
    ):
        try:
            line = file.readline()
        except UnicodeDecodeError:
            raise ValueError(f"{path}: not UTF-8 text") from None
        except (EOFError, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: the file is truncated or damaged ({error})") from None
    if ";" in line and "," not in line:
        raise ValueError(f"{path}: cells are separated by semicolons; use commas, and decimal points in numbers")
    return next(csv.reader([line]), [])


def _check_header(path: Path, columns: Sequence[str], tasks: Sequence[Task]) -> None:
    """Check that there are a path and a label, and no reserved, duplicate or misspelled column."""
    labels = {name for task in tasks for name in (*task.labels, *((task.name,) if task.kind is Kind.CLASSES else ()))}
    known = [name for name in types(tasks) if name not in RESERVED]
    for name in columns:
        if name not in known and (meant := next((word for word in known if _plain(word) == _plain(name)), None)):
            raise ValueError(f"{path}: unknown column {name}; did you mean {meant}?")
    if twice := sorted({name for name in columns if list(columns).count(name) > 1}):
        raise ValueError(f"{path}: duplicate column {twice[0]}")
    if reserved := [name for name in columns if name in RESERVED]:
        raise ValueError(f"{path}: column {reserved[0]} is reserved; rename it")
    if "path" not in columns or not labels & set(columns):
        there = ", ".join(columns)
        raise ValueError(f"{path}: needs a column path and label columns named as in `mien tasks` (it has {there})")


def _typed(column: Any, kind: pa.DataType | None) -> Any:
    """Convert text to numbers if all of it is numbers; otherwise the manifest reports the cells that are not."""
    if kind is None or not pa.types.is_string(column.type) or kind == TEXT:
        return column
    if pa.types.is_list(kind):
        return pa.array([cell and re.split(r"[\s,]+", cell.strip()) for cell in column.to_pylist()]).cast(kind)
    try:
        return column.cast(REAL if pa.types.is_integer(kind) and not _whole(column) else kind)
    except pa.ArrowInvalid:
        return column


def _whole(column: Any) -> bool:
    return not any(cell and not cell.strip().isdigit() for cell in column.to_pylist())


def _plain(name: str) -> str:
    """Return a name without case, spaces, dashes and leading zeros: AU6, au_06 and AU 06 are equal."""
    return re.sub(r"0+(?=\d)", "", re.sub(r"[ _-]", "", name.upper()))


def _slashed(name: str) -> str:
    """Return the path with forward slashes, also if it was written on Windows."""
    return name.replace("\\", "/") if "/" not in name else name
