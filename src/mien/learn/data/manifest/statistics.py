"""Count what a manifest holds: rows per split, labels, rows labelled for two tasks, people and videos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.learn.data.manifest.codes import codes, video_codes
from mien.learn.data.manifest.columns import PACK, ManifestError
from mien.learn.data.manifest.pack import open_pack
from mien.learn.data.manifest.read import read_metadata
from mien.learn.data.manifest.rules import numbers
from mien.tasks import Kind, Task

BINS = 41
"""Bins of valence and of arousal; an odd number, so that (0, 0) is in the middle of one."""

Counts = NDArray[np.int64]


@dataclass(eq=False)
class Statistics:
    """Counts over the rows that are not excluded.

    Args:
        tasks: the label space.
        what: faces, pictures, feature vectors, or rows of a manifest without a pack.
        splits: rows of each split.
        excluded: rows that each step excluded.
        known: rows that have a value, by column (a classification task, or a label).
        positive: rows with the label (of classes: whose class it is; of attributes: 0.5 or more), by label.
        labelled: tasks x tasks, rows that are labelled for both; the diagonal counts rows labelled for one.
        pairs: (classification task, attribute task) -> classes x attributes x 2: rows labelled for both, and those of
            them that have the attribute.
        plane: valence x arousal, :data:`BINS` each over [-1, 1]; None without such a task.
        subjects: number of people; None if no row names one.
        videos: number of videos; None if no row names one.
    """

    tasks: tuple[Task, ...]
    what: str
    splits: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    positive: Counter[str] = field(default_factory=Counter)
    labelled: Counts = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    pairs: dict[tuple[str, str], Counts] = field(default_factory=dict)
    plane: Counts | None = None
    subjects: int | None = None
    videos: int | None = None

    @property
    def rows(self) -> int:
        """The number of rows in all splits."""
        return sum(self.splits.values())

    def summary(self, folder: Path) -> str:
        """Two lines: the rows of each split, and the number of rows that have each label."""
        there = ", ".join(f"{count} {name}" for name, count in self.splits.items())
        names = [name for task in self.tasks for name in (task.name, *task.labels)]
        known = ", ".join(f"{name} {self.known[name]}" for name in names if name in self.known)
        return f"{self.rows} {self.what} in {folder}: {there}\nlabels: {known or 'none'}"


def count(path: Path | str) -> Statistics:
    """Count the rows of a manifest, one row group at a time.

    Raises:
        ManifestError: if the file is not a manifest.
    """
    path, tasks, _ = read_metadata(path)
    names = pq.read_schema(path).names
    found = Statistics(tasks, _what(path, names), labelled=np.zeros((len(tasks), len(tasks)), np.int64))
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            if "excluded" in names:
                found.excluded.update(table["excluded"].drop_null().to_pylist())
                table = table.filter(pc.is_null(table["excluded"]))
            found.splits.update({str(e["values"]): e["counts"] for e in table["split"].value_counts().to_pylist()})
            _add(found, table)
    columns = [name for name in ("path", "dataset", "subject", "video", "excluded") if name in names]
    table = pq.read_table(path, columns=columns)
    if "excluded" in names:
        table = table.filter(pc.is_null(table["excluded"]))
    found.subjects = _different(table, "subject", codes(table, ("dataset", "subject")))
    found.videos = _different(table, "video", video_codes(table) if "path" in names else codes(table, ("video",)))
    return found


def _what(path: Path, names: Sequence[str]) -> str:
    if "crop" not in names:
        return "rows"
    try:
        vectors = len(open_pack(path.with_name(PACK)).shape) == 2
    except ManifestError:
        vectors = False
    return "feature vectors" if vectors else "faces" if "landmarks" in names else "pictures"


def _different(table: pa.Table, name: str, members: NDArray[np.int64]) -> int | None:
    if name not in table.column_names or table[name].null_count == table.num_rows:
        return None
    return len(np.unique(members[np.asarray(pc.is_valid(table[name]))]))


def _add(found: Statistics, table: pa.Table) -> None:
    """Add the rows of one row group."""
    has, values = [], {}
    for task in found.tasks:
        columns = {label: numbers(table[label]) for label in task.labels if label in table.column_names}
        for label, column in columns.items():
            _note(found.known, label, int((~np.isnan(column)).sum()))
        some = np.zeros(table.num_rows, bool)
        for column in columns.values():
            some |= ~np.isnan(column)
        if task.kind is Kind.CLASSES and task.name in table.column_names:
            index = pc.index_in(table[task.name].cast(pa.string()), pa.array(task.labels))
            places = np.asarray(pc.fill_null(index, -1)).astype(int)
            _note(found.known, task.name, int((places >= 0).sum()))
            counts = np.bincount(places[places >= 0], minlength=len(task))
            found.positive.update({label: int(n) for label, n in zip(task.labels, counts, strict=True) if n})
            some |= places >= 0
            values[task.name] = places
        elif task.kind is Kind.ATTRIBUTES:
            found.positive.update({label: int((column >= 0.5).sum()) for label, column in columns.items()})
            values[task.name] = np.stack(
                [columns.get(label, np.full(table.num_rows, np.nan)) for label in task.labels], axis=1
            )
        elif task.kind is Kind.CONTINUOUS and len(columns) == len(task) == 2:
            valence, arousal = columns.values()
            both = ~np.isnan(valence) & ~np.isnan(arousal)
            grid, _, _ = np.histogram2d(valence[both], arousal[both], BINS, ((-1, 1), (-1, 1)))
            found.plane = grid.astype(np.int64) + (0 if found.plane is None else found.plane)
        has.append(some)
    found.labelled += np.array([[int((one & two).sum()) for two in has] for one in has], np.int64)
    _add_pairs(found, values)


def _add_pairs(found: Statistics, values: dict[str, Any]) -> None:
    """Add the rows labelled for a class and an attribute, and those that have the attribute."""
    classes = [task for task in found.tasks if task.kind is Kind.CLASSES and task.name in values]
    attributes = [task for task in found.tasks if task.kind is Kind.ATTRIBUTES]
    for one in classes:
        for two in attributes:
            rows = values[one.name] >= 0
            cells, places = values[two.name][rows], values[one.name][rows]
            both = np.zeros((len(one), len(two), 2), np.int64)
            np.add.at(both[..., 0], places, ~np.isnan(cells))
            np.add.at(both[..., 1], places, cells >= 0.5)
            found.pairs[one.name, two.name] = found.pairs.get((one.name, two.name), 0) + both


def _note(counter: Counter[str], name: str, count: int) -> None:
    counter[name] += count
