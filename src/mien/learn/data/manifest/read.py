"""Read a manifest: a Parquet table with one row per input and one column per label; null means not annotated.

An input is an aligned face, a whole picture or a feature vector. It is stored in the pack next to the table: the shards
of the folder ``crops`` (:mod:`mien.learn.data.manifest.shards`) or the file ``crops.npy``.
Columns are those of :data:`mien.learn.data.manifest.columns.COLUMNS`, of which ``path`` and ``split`` are required, and
``crop`` (the row in the pack) for training; and, for each task,

- classes: a string column with the name of the task (the hard label), and, where annotators voted, a float column per
  label with its share of the votes;
- attributes: a float column per label, 0 or 1;
- continuous: a float column per label, in the task's range.

The schema's metadata (key ``mien``) holds the tasks, which may be of any label space, the source, its licence, which
labels are weak, checksums, and the steps (:mod:`mien.learn.data.steps.history`) that redivided or excluded rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import MANIFEST, PACK, ManifestError
from mien.learn.data.manifest.pack import Pack, read_pack
from mien.learn.data.manifest.rules import Wrong, numbers, refuse
from mien.tasks import Kind, Task


@dataclass(frozen=True, eq=False)
class Manifest:
    """A checked manifest.

    Args:
        path: the Parquet file.
        table: its rows.
        crops: the pack, memory-mapped, an array or shards that act as one: pictures of one size, uint8,
            N x H x W x C, where C is 1 (grey) or 3; or feature vectors, float32, N x D.
        tasks: the label space of its columns.
        metadata: source, licence, weak labels.

    Example:
        >>> manifest = read_manifest("build/own").split("train")  # doctest: +SKIP
        >>> manifest.images(np.arange(4)).shape  # doctest: +SKIP
        (4, 3, 112, 112)
    """

    path: Path
    table: pa.Table
    crops: Pack
    tasks: tuple[Task, ...]
    metadata: dict[str, Any]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def split(self, name: str) -> Manifest:
        """The rows of one split.

        Raises:
            ManifestError: if there are none.
        """
        rows = self.table.filter(pc.field("split") == name)
        if not rows.num_rows:
            splits = sorted(map(repr, self.table["split"].unique().to_pylist()))
            raise ManifestError(f"{self.path}: no rows of split {name!r} (there are {', '.join(splits)})")
        return Manifest(self.path, rows, self.crops, self.tasks, self.metadata)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input as a network receives it: (C, H, W) for pictures, (D,) for feature vectors."""
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
            task: a task of any label space; a task without columns has no labels.
            hard: for classes, return the index of the hard label even if there are votes.

        Returns:
            N x labels; for classes without votes (or ``hard``) N class indices. In a column of votes, a row that only
            has a hard label gets the share 1 for it.
        """
        names = set(self.table.column_names)
        if task.kind is Kind.CLASSES and (hard or not names.issuperset(task.labels)):
            if task.name not in names:
                return np.full(len(self), np.nan, np.float32)
            index = pc.index_in(self.table[task.name].cast(pa.string()), pa.array(task.labels))
            return numbers(index)
        missing = np.full(len(self), np.nan, np.float32)
        columns = [numbers(self.table[label]) if label in names else missing for label in task.labels]
        values = np.stack(columns, axis=1)
        if task.kind is Kind.CLASSES:
            index = self.column(task, hard=True)
            alone = np.isnan(values).any(1) & ~np.isnan(index)
            values[alone] = np.eye(len(task), dtype=np.float32)[index[alone].astype(int)]
        return values


def read_metadata(path: Path | str) -> tuple[Path, tuple[Task, ...], dict[str, Any]]:
    """The path of the file, its label space and its metadata; the rows are not read.

    Args:
        path: the manifest, or the folder that holds it.

    Raises:
        ManifestError: if there is no manifest.
    """
    path = Path(path)
    path = path / MANIFEST if path.is_dir() else path
    try:
        metadata = json.loads(pq.read_schema(path).metadata[b"mien"])
        return path, tuple(Task.from_dict(task) for task in metadata.pop("tasks")), metadata
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file; `mien data import` creates one") from None
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError):
        raise ManifestError(f"{path}: not a mien manifest") from None


def read_manifest(path: Path | str, *, excluded: bool = False) -> Manifest:
    """Read and check a manifest and map its pack.

    Args:
        path: the manifest, or the folder that holds it.
        excluded: whether to include rows that a step excluded (column ``excluded``).

    Raises:
        ManifestError: if a file is missing or not a manifest, if its pictures are not prepared, if a cell is outside
            its range or vocabulary, if a crop is not in the pack, if a feature vector holds NaN or infinity.
    """
    path, tasks, metadata = read_metadata(path)
    try:
        table = pq.read_table(path).replace_schema_metadata(None)
    except (pa.ArrowInvalid, OSError) as error:
        raise ManifestError(f"{path}: truncated or damaged ({str(error).splitlines()[0]})") from None
    if not table.num_rows:
        raise ManifestError(f"{path}: has no rows")
    if "crop" not in table.column_names:
        raise ManifestError(f"{path}: has no column crop; `mien data prepare {path.parent}` creates it")
    if "split" not in table.column_names:
        raise ManifestError(f"{path}: has no column split")
    crops = read_pack(path.parent / PACK)
    refuse(path, table, tasks)
    for wrong in outside_pack(path, table, len(crops)):
        raise ManifestError(wrong.line(path, table))
    if "excluded" in table.column_names and not excluded:
        table = table.filter(pc.is_null(table["excluded"]))
        if not table.num_rows:
            raise ManifestError(f"{path}: every row is excluded; `mien data clean --undo` undoes a step")
    return Manifest(path, table, crops, tasks, metadata)


def outside_pack(path: Path, table: pa.Table, length: int) -> list[Wrong]:
    """Rows whose crop is not in the pack, if there are any."""
    if not pa.types.is_integer(table["crop"].type):
        raise ManifestError(f"{path}: column crop holds {table['crop'].type}, expected whole numbers")
    inside = pc.and_(pc.greater_equal(table["crop"], 0), pc.less(table["crop"], length))
    rows = np.flatnonzero(np.asarray(pc.fill_null(pc.invert(inside), True)))
    return [Wrong("crop", rows, f"is not in the pack (0 to {length - 1})")] if rows.size else []
