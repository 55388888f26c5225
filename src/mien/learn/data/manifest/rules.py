"""Check the cells of a table: labels inside their vocabulary or range, valid boxes, frames and landmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import BOX, INTENSITY, ManifestError
from mien.spelling import listed
from mien.tasks import Kind, Task

LANDMARKS = 10
"""Numbers in a cell of ``landmarks``: x and y of five points."""


@dataclass(frozen=True, eq=False)
class Wrong:
    """Cells of a column that break a rule.

    Args:
        column: its name; empty if the row as a whole is wrong.
        rows: row numbers, in order.
        reason: what follows the value in the message.
    """

    column: str
    rows: NDArray[np.int_]
    reason: str

    def line(self, path: Path | str, table: pa.Table, first: int = 0) -> str:
        """The message about the first of these rows; the table starts at row ``first`` of the file."""
        row = int(self.rows[0])
        count = f" ({self.rows.size} such rows)"
        return f"{path}: row {first + row}: {self._value(table, row)}{self.reason}{count}{picture(table, row)}"

    def about(self, path: Path | str, table: pa.Table, row: int, first: int = 0) -> str:
        """The message about one of these rows, named by its picture if it has one."""
        name = table["path"][row].as_py()
        return f"{name or f'{path}: row {first + row}'}: {self._value(table, row)}{self.reason}"

    def _value(self, table: pa.Table, row: int) -> str:
        return f"{self.column} {table[self.column][row].as_py()!r} " if self.column else ""


def picture(table: pa.Table, row: int) -> str:
    """The end of a message about a row: its picture, which identifies the row in any program."""
    return f"; the first: {table['path'][row]}" if "path" in table.column_names else ""


def refuse(path: Path | str, table: pa.Table, tasks: Sequence[Task], first: int = 0) -> None:
    """Raise a ManifestError for the first broken rule; the table starts at row ``first`` of the file."""
    for wrong in broken(path, table, tasks):
        raise ManifestError(wrong.line(path, table, first))


def broken(path: Path | str, table: pa.Table, tasks: Sequence[Task]) -> Iterator[Wrong]:
    """All cells of a table that break a rule; nulls break none.

    Raises:
        ManifestError: if a column as a whole is unusable: it holds another type, or votes for some classes only.
    """
    names = set(table.column_names)
    for task in tasks:
        if task.kind is Kind.CLASSES and task.name in names and _holds(path, table, task.name, words=True):
            known = pc.is_in(table[task.name], pa.array((*task.labels, None), pa.string()))
            yield from _where(pc.invert(known), task.name, f"is not one of {listed(task.labels, 12)}")
        there = [label for label in task.labels if label in names]
        for label in there:
            if _holds(path, table, label, words=False):
                yield from _outside(table, label, *task.range)
        for name in (label + INTENSITY for label in task.labels if label + INTENSITY in names):
            if _holds(path, table, name, words=False):
                yield from _outside(table, name, 0, 5)
        if task.kind is Kind.CLASSES and there:
            yield from _shares(path, table, task, there)
    if "path" in names:
        yield from _where(pc.is_null(table["path"]), "", "has no path")
    labels = {label for task in tasks for label in task.labels}
    yield from _geometry(path, table.drop_columns([name for name in BOX if name in names & labels]))


def numbers(column: Any) -> NDArray[np.float32]:
    """A column as float32, NaN for null."""
    return np.asarray(column.cast(pa.float32()).to_numpy(), dtype=np.float32)


def _outside(table: pa.Table, name: str, low: float, high: float) -> Iterator[Wrong]:
    values = table[name].cast(pa.float64())
    inside = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
    yield from _where(pc.or_(pc.invert(inside), pc.is_nan(values)), name, f"is outside [{low:g}, {high:g}]")


def _shares(path: Path | str, table: pa.Table, task: Task, voted: Sequence[str]) -> Iterator[Wrong]:
    """Rows with votes for some classes only, and shares that do not sum to 1."""
    if len(voted) < len(task):
        lacking = ", ".join(label for label in task.labels if label not in voted)
        raise ManifestError(f"{path}: votes for {', '.join(voted)} but no column {lacking}")
    total, given = np.zeros(table.num_rows), np.zeros(table.num_rows, int)
    for label in voted:
        share = numbers(table[label])
        given += ~np.isnan(share)
        total += np.nan_to_num(share)
    yield from _where((given > 0) & (given < len(task)), voted[0], f"but not all other shares of {task.name} are given")
    apart = (given == len(task)) & (np.abs(total - 1) > 1e-3)
    yield from _where(apart, voted[0], f"and the other shares of {task.name} do not sum to 1")


def _geometry(path: Path | str, table: pa.Table) -> Iterator[Wrong]:
    """Negative frames and times, boxes without area or outside the picture, landmarks that are not five points."""
    there = set(table.column_names)
    for name in ("frame", "timestamp", *BOX):
        if name not in there or not _holds(path, table, name, words=False):
            continue
        values = table[name].cast(pa.float64())
        yield from _where(pc.invert(pc.is_finite(values)), name, "is not a finite number")
        if name in ("frame", "timestamp"):
            yield from _where(pc.less(values, 0), name, "is negative")
        if name in ("width", "height"):
            yield from _where(pc.less_equal(values, 0), name, "is not positive")
    for corner, side in (("x", "width"), ("y", "height")):
        if {corner, side} <= there and not {table[name].type for name in (corner, side)} & {pa.null()}:
            end = pc.add(table[corner].cast(pa.float64()), table[side].cast(pa.float64()))
            yield from _where(pc.less_equal(end, 0), corner, f"and {side} put the box outside the picture")
    if "landmarks" in there and pa.types.is_list(table["landmarks"].type):
        length = pc.not_equal(pc.list_value_length(table["landmarks"]), LANDMARKS)
        yield from _where(length, "landmarks", f"are not {LANDMARKS} numbers")


def _where(wrong: Any, column: str, reason: str) -> Iterator[Wrong]:
    """The rows where ``wrong`` is true; null counts as false."""
    rows = np.flatnonzero(np.asarray(wrong if isinstance(wrong, np.ndarray) else pc.fill_null(wrong, False)))
    if rows.size:
        yield Wrong(column, rows, reason)


def _holds(path: Path | str, table: pa.Table, column: str, *, words: bool) -> bool:
    """Whether a column has any value; raises a ManifestError if it does not hold text, or numbers, as expected."""
    kind = table[column].type
    if pa.types.is_null(kind):
        return False
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if not words and pa.types.is_string(kind):
        row, word = next(
            ((row, word) for row, word in enumerate(table[column].to_pylist()) if not _is_number(word)), (0, "")
        )
        raise ManifestError(f"{path}: row {row}: {column} {word!r} is not a number{picture(table, row)}")
    if number if words else not number:
        raise ManifestError(f"{path}: column {column} holds {kind}, expected {'text' if words else 'numbers'}")
    return True


def _is_number(word: str | None) -> bool:
    try:
        return word is None or float(word) == float(word)
    except ValueError:
        return False
