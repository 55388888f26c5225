"""The manifest: a Parquet table with one row an input and a column for each label; null means not annotated.

An input is an aligned face, a whole picture or a feature vector; the pack beside the table holds it: ``crops.npy``, or
the shards of the folder ``crops`` (:mod:`mien.learn.data.shards`).
Columns: ``path``, ``split``, ``crop`` (the row of the pack), and for the tasks

- classes: a string column named as the task (the one hard label), and, where annotators voted, a float
  column for each label with its share of the votes;
- attributes: a float column for each label, 0 or 1;
- continuous: a float column for each label, in the task's range.

The schema's metadata (key ``mien``) carries the tasks, which may be of any label space, the source, its licence and
which labels are weak.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.learn.data.shards import SHARDS, Shards
from mien.tasks import Kind, Task

MANIFEST = "manifest.parquet"
PACK = "crops.npy"

CHUNK = 4096
"""Feature vectors of a pack that are looked at together."""

Pack = NDArray[np.uint8] | NDArray[np.float32] | Shards


class ManifestError(ValueError):
    """A manifest cannot be used; the message names the file, the column, the row and the reason."""


@dataclass(frozen=True, eq=False)
class Manifest:
    """A checked manifest.

    Args:
        path: of the Parquet file.
        table: its rows.
        crops: the pack, memory-mapped, an array or shards that are read as one: pictures of one size, uint8,
            N x H x W x C, where C is 1 (grey) or 3; or feature vectors, float32, N x D.
        tasks: the label space that its columns belong to.
        facts: source, licence, weak labels.
    """

    path: Path
    table: pa.Table
    crops: Pack
    tasks: tuple[Task, ...]
    facts: dict[str, Any]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def split(self, name: str) -> Manifest:
        """The rows of one split.

        Raises:
            ManifestError: if there are none.
        """
        rows = self.table.filter(pc.field("split") == name)
        if not rows.num_rows:
            splits = sorted(set(self.table["split"].to_pylist()))
            raise ManifestError(f"{self.path}: no rows of split {name!r} (there are {', '.join(map(repr, splits))})")
        return Manifest(self.path, rows, self.crops, self.tasks, self.facts)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input as the network gets it: (C, H, W) of pictures, (D,) of feature vectors."""
        channels_last = self.crops.shape[1:]
        return (*channels_last[2:], *channels_last[:2])

    def images(self, rows: NDArray[np.int_]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """The inputs of these rows: pictures n x C x H x W uint8, or feature vectors n x D float32."""
        inputs: NDArray[np.uint8] | NDArray[np.float32] = self.crops[self._crop[rows]]
        return inputs.transpose(0, 3, 1, 2) if inputs.ndim == 4 else inputs

    @cached_property
    def _crop(self) -> NDArray[np.int_]:
        return np.asarray(self.table["crop"].to_numpy())

    def column(self, task: Task, *, hard: bool = False) -> NDArray[np.float32]:
        """The labels of a task with NaN where a cell is null, for the collate function.

        Args:
            task: one of the label space.
            hard: for classes, the index of the hard label even if votes are there.

        Returns:
            N x labels; for classes without votes (or ``hard``) N class indices. Beside votes, a row that has a hard
            label alone gets all shares for it.
        """
        names = set(self.table.column_names)
        if task.kind is Kind.CLASSES and (hard or not names.issuperset(task.labels)):
            if task.name not in names:
                return np.full(len(self), np.nan, np.float32)
            index = pc.index_in(self.table[task.name].cast(pa.string()), pa.array(task.labels))
            return _numbers(index)
        missing = np.full(len(self), np.nan, np.float32)
        columns = [_numbers(self.table[label]) if label in names else missing for label in task.labels]
        values = np.stack(columns, axis=1)
        if task.kind is Kind.CLASSES:
            index = self.column(task, hard=True)
            alone = np.isnan(values).any(1) & ~np.isnan(index)
            values[alone] = np.eye(len(task), dtype=np.float32)[index[alone].astype(int)]
        return values


def write_manifest(path: Path, rows: Sequence[dict[str, Any]], tasks: Sequence[Task], facts: dict[str, Any]) -> None:
    """Check the rows and write them; see the module for the columns.

    Raises:
        ManifestError: as :func:`read_manifest` does.
    """
    table = check_labels(path, rows, tasks)
    facts = {"format": 1, **facts, "tasks": [task.to_dict() for task in tasks]}
    pq.write_table(table.replace_schema_metadata({"mien": json.dumps(facts)}), path)


def check_labels(path: Path, rows: Sequence[dict[str, Any]], tasks: Sequence[Task]) -> pa.Table:
    """The rows as a table, every label inside its vocabulary or range.

    Raises:
        ManifestError: naming ``path``, the column and the first wrong row.
    """
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["path"]  # of all rows, not of the first alone
    columns = {}
    for name in names:
        try:
            columns[name] = pa.array([row.get(name) for row in rows])
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise ManifestError(f"{path}: column {name} mixes kinds of values ({error})") from None
    table = pa.table(columns)
    _check_labels(path, table, tasks)
    return table


def read_manifest(path: Path | str) -> Manifest:
    """Read and check a manifest and map its pack.

    Raises:
        ManifestError: if a file is missing or not a manifest, if a label is out of its range or
            vocabulary, if a crop is not in the pack, if a feature vector holds NaN or infinity.
    """
    path = Path(path)
    path = path / MANIFEST if path.is_dir() else path
    try:
        table = pq.read_table(path)
        facts = json.loads(table.schema.metadata[b"mien"])
        tasks = tuple(Task.from_dict(task) for task in facts.pop("tasks"))
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file; `mien data` makes a manifest") from None
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError):
        raise ManifestError(f"{path}: not a manifest of mien") from None
    crops = _read_pack(path.parent / PACK)
    for name in ("split", "crop"):
        if name not in table.column_names:
            raise ManifestError(f"{path}: has no column {name}" if len(table) else f"{path}: has no rows")
    if not pa.types.is_integer(table["crop"].type):
        raise ManifestError(f"{path}: column crop holds {table['crop'].type}, expected whole numbers")
    _check_labels(path, table, tasks)
    outside = pc.fill_null(
        pc.invert(pc.and_(pc.greater_equal(table["crop"], 0), pc.less(table["crop"], len(crops)))), True
    )
    _refuse(path, table, "crop", outside, f"is not a row of the pack (0 to {len(crops) - 1})")
    return Manifest(path, table, crops, tasks, facts)


def _read_pack(path: Path) -> Pack:
    """Map a pack and check that it holds pictures or finite feature vectors."""
    try:
        shards = path.parent / SHARDS
        pack: Pack = Shards(shards) if shards.is_dir() and not path.exists() else np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: the pack cannot be read ({error})") from None
    pictures = pack.dtype == np.uint8 and pack.ndim == 4 and pack.shape[3] in (1, 3)
    vectors = pack.dtype == np.float32 and pack.ndim == 2
    if not (pictures or vectors) or 0 in pack.shape[1:]:
        expected = "uint8, N x height x width x 1 or 3 (pictures), or float32, N x length (feature vectors)"
        raise ManifestError(f"{path}: holds {pack.dtype} of shape {pack.shape}; expected {expected}")
    for start in range(0, len(pack) if vectors else 0, CHUNK):
        finite = np.isfinite(pack[start : start + CHUNK]).all(1)
        if not finite.all():
            raise ManifestError(f"{path}: feature vector {start + int(finite.argmin())} holds NaN or infinity")
    return pack


def _check_labels(path: Path, table: pa.Table, tasks: Sequence[Task]) -> None:
    """Every label inside its vocabulary or range; nulls are fine."""
    for task in tasks:
        if (
            task.kind is Kind.CLASSES
            and task.name in table.column_names
            and not _empty(path, table, task.name, words=True)
        ):
            known = pc.is_in(table[task.name], pa.array((*task.labels, None), pa.string()))
            _refuse(path, table, task.name, pc.invert(known), f"is none of {', '.join(task.labels)}")
        low, high = task.range
        for label in set(task.labels) & set(table.column_names):
            if _empty(path, table, label, words=False):
                continue
            values = table[label].cast(pa.float64())
            inside = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
            outside = pc.or_(pc.invert(inside), pc.is_nan(values))
            _refuse(path, table, label, pc.fill_null(outside, False), f"is outside [{low:g}, {high:g}]")
        if task.kind is Kind.CLASSES:
            _check_shares(path, table, task)


def _check_shares(path: Path, table: pa.Table, task: Task) -> None:
    """Vote columns of all classes or of none, and shares that sum to 1."""
    voted = [label for label in task.labels if label in table.column_names]
    if voted and len(voted) < len(task):
        lacking = ", ".join(label for label in task.labels if label not in voted)
        raise ManifestError(f"{path}: votes for {', '.join(voted)} but no column {lacking}")
    if voted:
        total = np.sum([_numbers(table[label]) for label in voted], axis=0)
        _refuse(path, table, voted[0], np.abs(total - 1) > 1e-3, f"and the other shares of {task.name} do not sum to 1")


def _empty(path: Path, table: pa.Table, column: str, *, words: bool) -> bool:
    """Whether a column is null throughout; raises if it holds anything but words, or numbers."""
    kind = table[column].type
    if pa.types.is_null(kind):
        return True
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if not words and pa.types.is_string(kind):
        wrong = next((row, word) for row, word in enumerate(table[column].to_pylist()) if not _is_number(word))
        raise ManifestError(f"{path}: row {wrong[0]}: {column} {wrong[1]!r} is not a number{_picture(table, wrong[0])}")
    if number if words else not number:
        raise ManifestError(f"{path}: column {column} holds {kind}, expected {'words' if words else 'numbers'}")
    return False


def _is_number(word: str | None) -> bool:
    try:
        return word is None or float(word) == float(word)
    except ValueError:
        return False


def _picture(table: pa.Table, row: int) -> str:
    """The end of a message about a row: its picture, by which it is found in any file, however rows are counted."""
    return f"; the first: {table['path'][row]}" if "path" in table.column_names else ""


def _refuse(path: Path, table: pa.Table, column: str, wrong: Any, reason: str) -> None:
    """Raise for the first row where ``wrong`` holds."""
    rows = np.flatnonzero(np.asarray(wrong))
    if rows.size:
        value = table[column][int(rows[0])].as_py()
        first = _picture(table, int(rows[0]))
        raise ManifestError(f"{path}: row {rows[0]}: {column} {value!r} {reason} ({rows.size} such rows){first}")


def _numbers(column: Any) -> NDArray[np.float32]:
    """A column as float32, NaN for null."""
    return np.asarray(column.cast(pa.float32()).to_numpy(), dtype=np.float32)
