"""A table of your own: CSV or Parquet, a row a picture, label columns named as ``mien tasks`` prints them.

Expected is one file, ``.csv``, ``.csv.gz`` or ``.parquet``, with a column ``path``, relative to the file's folder, and
whatever label columns there are; empty cells are not annotated. The columns of docs/data.md (split, subject, video,
frame, box, landmarks, ...) mean what they mean there; others are kept. Labels of another label space are those of a
small YAML or JSON file, the option ``tasks`` (:mod:`mien.learn.data.manifest.task_file`).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from mien.learn.data.manifest.columns import GIVEN, REAL, TEXT, types
from mien.learn.data.manifest.task_file import read_tasks
from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.files import Fault
from mien.tasks import ALL_TASKS, COMPOUND, FACE, Kind, Task

TASKS = FACE
METADATA = {"licence": "your own"}
FILE = True
"""The root is a file."""

SPLITS = ("train", "valid")
SIDE = 112
"""Of the whole pictures of a label space that is not that of faces."""

MADE = ("crop", "found", "excluded", GIVEN)
"""Columns that preparation and cleaning make."""


def tasks(root: Path, *, tasks: Path | None = None) -> tuple[Task, ...]:
    """The tasks of the file, or those of faces; compound expressions where the table has such a column.

    Raises:
        ValueError: if the file of tasks, or the table, is none.
        OSError: if it cannot be opened.
    """
    if tasks is not None:
        return read_tasks(tasks)
    return ALL_TASKS if COMPOUND.name in _names(root) else TASKS


def whole(tasks: Sequence[Task]) -> int | None:
    """If none of the tasks is one of faces, whole pictures are packed, with so many pixels a side."""
    return None if any(task in ALL_TASKS for task in tasks) else SIDE


def read(root: Path, fault: Fault, *, tasks: Path | None = None, validation: float = 0.2) -> Iterator[Row]:
    """Manifest rows of the table.

    Rows without a ``split`` are divided into train and valid by a hash of ``subject``, or of ``path`` where there is no
    subject: one person is never in both, and adding rows moves nobody.

    Args:
        root: a ``.csv``, ``.csv.gz`` or ``.parquet`` file.
        fault: told of each row that has no path or not as many cells as the header.
        tasks: a file with the label space; that of ``mien tasks`` by default.
        validation: share of subjects in valid.

    Raises:
        ValueError: if the file is no such table, has no label column, or a misspelled one.
        OSError: if it cannot be opened.
    """
    if not 0 <= validation < 1:
        raise ValueError(f"validation {validation:g}: expected a share from 0 to less than 1")
    space = label_space(root, tasks=tasks)
    known = types(space)
    number = 0
    for batch in _batches(root, fault, space):
        columns = {name: _typed(batch[name], known.get(name)) for name in batch.column_names}
        for row in pa.table(columns).to_pylist():
            number += 1
            if row["path"] in (None, ""):
                fault(f"{root}: row {number}: has no path")
                continue
            row["path"] = str(root.parent / _slashed(str(row["path"])))
            subject = row.get("subject")
            row["split"] = row.get("split") or placed(row["path"] if subject is None else str(subject), validation)
            yield row


label_space = tasks  # by this name where ``tasks`` is an argument


def placed(key: str, validation: float) -> str:
    """Train or valid, by a hash of a person or a picture: the same key is always in the same split."""
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return SPLITS[place < validation]


def _names(path: Path) -> list[str]:
    """Of the columns."""
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


def _batches(path: Path, fault: Fault, tasks: Sequence[Task]) -> Iterator[pa.Table]:
    """The table in parts; cells of a CSV file as text."""
    header = _names(path)
    _check_header(path, header, tasks)
    try:
        if path.suffix != ".parquet":
            yield from _csv_batches(path, header, fault)
            return
        with pq.ParquetFile(path) as file:
            yield from (pa.Table.from_batches([batch]) for batch in file.iter_batches())
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from None


def _csv_batches(path: Path, header: Sequence[str], fault: Fault) -> Iterator[pa.Table]:
    def ragged(row: Any) -> str:
        place = "" if row.number is None else f"line {row.number}: "
        fault(f"{path}: {place}{row.actual_columns} cells, expected {row.expected_columns}")
        return "skip"

    text = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(header, TEXT), strings_can_be_null=True, null_values=[""]
    )
    parse = pyarrow.csv.ParseOptions(invalid_row_handler=ragged, newlines_in_values=True)
    plain = pyarrow.csv.ReadOptions(use_threads=False)  # or the numbers of wrong lines are not known
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
            raise ValueError(f"{path}: its text is not UTF-8") from None
        except (EOFError, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: the file is cut short or damaged ({error})") from None
    if ";" in line and "," not in line:
        raise ValueError(f"{path}: its cells are parted by semicolons; commas are expected, and decimal points")
    return next(csv.reader([line]), [])


def _check_header(path: Path, columns: Sequence[str], tasks: Sequence[Task]) -> None:
    """A path, a label, and no name that is nearly one."""
    labels = [name for task in tasks for name in (task.name, *task.labels) if name != task.name or _is_column(task)]
    known = [*(name for name in types(tasks) if name not in MADE)]
    for name in columns:
        if name not in known and (meant := next((word for word in known if _plain(word) == _plain(name)), None)):
            raise ValueError(f"{path}: unknown column {name}; did you mean {meant}?")
    if twice := sorted({name for name in columns if list(columns).count(name) > 1}):
        raise ValueError(f"{path}: column {twice[0]} stands there twice")
    if made := [name for name in columns if name in MADE]:
        raise ValueError(f"{path}: column {made[0]} is made by mien; give it another name")
    if "path" not in columns or not set(labels) & set(columns):
        there = ", ".join(columns)
        raise ValueError(f"{path}: needs a column path and label columns as `mien tasks` prints them (it has {there})")


def _is_column(task: Task) -> bool:
    return task.kind is Kind.CLASSES


def _typed(column: Any, kind: pa.DataType | None) -> Any:
    """Text as numbers where it is numbers; what is not is left for the manifest to tell."""
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
    """A column's name without case, spaces, dashes and leading zeros: AU6, au_06 and AU 06 are one."""
    return re.sub(r"0+(?=\d)", "", re.sub(r"[ _-]", "", name.upper()))


def _slashed(name: str) -> str:
    """A path as Windows writes it, too."""
    return name.replace("\\", "/") if "/" not in name else name
