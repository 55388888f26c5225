"""Name the columns of a manifest and their types, and turn rows into tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from mien.tasks import Kind, Task

Row = dict[str, Any]
"""One row of a manifest: cells by column; a missing key, or None, means not annotated."""

MANIFEST = "manifest.parquet"
PACK = "crops.npy"

TEXT, REAL = pa.string(), pa.float64()

GIVEN = "split_given"
"""The column with the original splits, from before a step redivided the rows."""

COLUMNS: dict[str, pa.DataType] = {
    "path": TEXT,
    "split": TEXT,
    "dataset": TEXT,
    "subject": TEXT,
    "video": TEXT,
    "frame": pa.int64(),
    "timestamp": REAL,
    "x": REAL,
    "y": REAL,
    "width": REAL,
    "height": REAL,
    "landmarks": pa.list_(REAL),
    "identity": TEXT,
    "crop": pa.int64(),
    "found": pa.bool_(),
    "excluded": TEXT,
    GIVEN: TEXT,
}
"""Columns that mean the same in every manifest; docs/data.md explains them."""

BOX = ("x", "y", "width", "height")

INTENSITY = "_intensity"
"""Suffix of a column that holds the intensity of a label, 0 to 5."""


class ManifestError(ValueError):
    """A manifest is unusable; the message names the file, the column, the row and the reason."""


def types(tasks: Sequence[Task]) -> dict[str, pa.DataType]:
    """Name and type of every known column of a manifest with these tasks; other columns are allowed."""
    words = {task.name: TEXT for task in tasks if task.kind is Kind.CLASSES}
    numbers = {label: REAL for task in tasks for label in task.labels}
    return {**COLUMNS, **words, **numbers, **{label + INTENSITY: REAL for label in numbers}}


def check_space(tasks: Sequence[Task]) -> None:
    """Check that every label has its own column; sets without boxes may have labels called ``x`` or ``width``.

    Raises:
        ManifestError: if two tasks, or a label and another column, have the same name.
    """
    taken = set(COLUMNS) - {"identity", *BOX}  # a task called identity means the same as the column
    for task in tasks:
        for name in (task.name, *task.labels) if task.kind is Kind.CLASSES else task.labels:
            if name in taken:
                raise ManifestError(f"task {task.name}: {name} is also the name of another column")
            taken.add(name)
    if len({task.name for task in tasks}) < len(tasks):
        raise ManifestError("two tasks have the same name")


def to_table(
    rows: Sequence[Mapping[str, Any]], known: Mapping[str, pa.DataType]
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Rows as a table with a column for each name that occurs, and the values of the wrong type as (row, reason).

    A value of the wrong type is null in the table. Numbers in text columns become text and digits in number columns
    become numbers; an unknown column gets the type of its values.

    Raises:
        ManifestError: if an unknown column mixes types.
    """
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["path"]  # of all rows, not only of the first
    columns, wrong = {}, []
    for name in names:
        values = [row.get(name) for row in rows]
        whole = name in known and pa.types.is_integer(known[name])
        try:
            if whole and any(isinstance(value, float) for value in values):
                raise TypeError("pa.array would truncate the fraction")
            columns[name] = pa.array(values, known.get(name))
        except (ValueError, TypeError, pa.ArrowNotImplementedError) as error:
            if name not in known:
                raise ManifestError(f"column {name} mixes types ({error})") from None
            right, strays = _converted(values, known[name], text=name in COLUMNS)
            columns[name] = pa.array(right, known[name])
            wrong += [(row, f"{name} {values[row]!r} is not {_expected(known[name])}") for row in strays]
    return pa.table(columns), sorted(wrong)


def _converted(values: Sequence[Any], kind: pa.DataType, *, text: bool) -> tuple[list[Any], list[int]]:
    """The values one by one, None for those that cannot have this type, and the positions of the latter."""
    right: list[Any] = []
    strays = []
    for place, value in enumerate(values):
        try:
            if value is None:
                right.append(None)
            elif kind == REAL:
                right.append(float(value))
            elif pa.types.is_integer(kind):
                if (number := int(value)) != float(value):
                    raise ValueError(f"{value} is not an integer")
                right.append(number)
            else:
                right.append(pa.scalar(str(value) if text and kind == TEXT else value, kind).as_py())
        except (ValueError, TypeError, pa.ArrowNotImplementedError):
            right.append(None)
            strays.append(place)
    return right, strays


def _expected(kind: pa.DataType) -> str:
    if kind == TEXT:
        return "text"
    return "an integer" if pa.types.is_integer(kind) else "a number" if kind == REAL else f"of type {kind}"


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with exactly these columns: missing ones filled with nulls, numbers widened."""
    length = table.num_rows
    there = set(table.column_names)
    columns = [
        table[field.name].cast(field.type) if field.name in there else pa.nulls(length, field.type) for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def in_batches(rows: Any, size: int) -> Iterator[list[Any]]:
    """The items of an iterable in lists of this length; the last one may be shorter."""
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
