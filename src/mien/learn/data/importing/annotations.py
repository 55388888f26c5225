"""Annotations as a manifest: what a network predicts of faces, as soft labels beside the crops that it read.

So a whole database can be annotated for all tasks, as papers/003 did with its own network (section 5), and trained on.
Nothing here needs more than the base install.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.annotate.model import Model
from mien.annotate.result import Result
from mien.annotate.schema import Row
from mien.faces.detect import LANDMARKS, Pixels
from mien.learn.data.manifest.columns import BOX, MANIFEST, PACK, check_space
from mien.learn.data.manifest.shards import SHARDS, shard_path
from mien.learn.data.manifest.write import Fault, write_manifest
from mien.learn.data.pack.write import refuse_another
from mien.tasks import Kind, Task

SHARD = 1024
"""Crops that are held in memory until they are written together, about 40 MB."""


class AnnotatedSet:
    """A folder with a manifest and its crops, written as annotations come; a context manager, which completes it.

    A row is one face, its labels are the network's outputs: classes as the most probable word and shares of all,
    attributes as probabilities in [0, 1], continuous values in [-1, 1]. All rows are of the split train, since
    predictions can teach but not judge. ``facts["weak"]`` says of each task that it is predicted, ``facts["network"]``
    by what.

    Args:
        folder: is made if need be.
        model: whose predictions they are.
        fault: told of each row that cannot be a label, such as one with NaN; it is left out.
        overwrite: whether annotations of the same network that the folder holds may be replaced.

    Attributes:
        faces, left_out: how many rows the manifest has, and how many it could not have; known once it is closed.

    Raises:
        OSError: if the folder cannot be written, or is not empty.
        ManifestError: if it holds another data set, or two labels of the network have one name.
    """

    def __init__(self, folder: Path, model: Model, fault: Fault, *, overwrite: bool = False) -> None:
        self.folder, self.model, self.fault = folder, model, fault
        self.faces = self.left_out = 0
        self._rows: list[dict[str, Any]] = []
        self._crops: list[Pixels] = []
        self._count = self._shards = 0
        self._closed = False
        check_space(model.tasks)
        try:
            full = folder.exists() and any(folder.iterdir())
            if full and not overwrite:
                raise OSError(f"{folder}: is not empty (--overwrite replaces what is there)")
            refuse_another(folder, metadata(model))
            (folder / SHARDS).mkdir(parents=True, exist_ok=True)
            for old in (folder / MANIFEST, folder / PACK, *(folder / SHARDS).glob("[0-9]*.*")):
                old.unlink(missing_ok=True)
        except OSError as error:
            raise OSError(f"{folder}: cannot be written: {error.strerror}" if error.strerror else str(error)) from None

    def write(self, result: Result) -> None:
        """Add the faces of a picture; they reach the disk in groups of :data:`SHARD`."""
        for row, crop in zip(result.rows if result.crops else (), result.crops, strict=True):
            self._rows.append(_labelled(row, self.model.tasks) | {"crop": self._count})
            self._crops.append(crop)
            self._count += 1
            if len(self._crops) == SHARD:
                self._flush()

    def close(self) -> None:
        """Write what is held and the manifest; a second call does nothing. Without a face there is no manifest."""
        if self._closed:
            return
        self._closed = True
        self._flush()
        if self._shards:
            path = self.folder / MANIFEST
            self.faces = write_manifest(path, self._written(), self.model.tasks, metadata(self.model), self.fault)
            self.left_out = self._count - self.faces
        else:
            (self.folder / SHARDS).rmdir()
        for number in range(self._shards):
            self._part(number).unlink()

    def _flush(self) -> None:
        """A shard and the table of its rows, each put into its place whole."""
        if not self._crops:
            return
        place = shard_path(self.folder / SHARDS, self._shards)
        with place.with_suffix(".partial").open("wb") as file:
            np.save(file, np.stack(self._crops))
        place.with_suffix(".partial").replace(place)
        pq.write_table(pa.Table.from_pylist(self._rows), self._part(self._shards))
        self._shards += 1
        self._rows, self._crops = [], []

    def _part(self, number: int) -> Path:
        return shard_path(self.folder / SHARDS, number).with_suffix(".parquet")

    def _written(self) -> Iterator[dict[str, Any]]:
        return (row for number in range(self._shards) for row in pq.read_table(self._part(number)).to_pylist())

    def __enter__(self) -> AnnotatedSet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def metadata(model: Model) -> dict[str, Any]:
    """What stands in the manifest's metadata: source, licence, what is weak (all of it), network and alignment."""
    known = {key: model.metadata[key] for key in ("version", "readout") if key in model.metadata}
    reason = f"predicted by {model.name}, not annotated"
    return {
        "source": f"faces annotated by {model.name}",
        "licence": "that of the pictures; the labels are predictions",
        "weak": {task.name: reason for task in model.tasks},
        "network": {"name": model.name, **known},
        "alignment": {"size": model.size, "template": model.template.tolist()},
    }


def _labelled(row: Row, tasks: tuple[Task, ...]) -> dict[str, Any]:
    """The row of a manifest that a row of the table of annotations makes."""
    labels: dict[str, Any] = {}
    for task in tasks:
        if task.kind is Kind.CLASSES:
            labels[task.name] = row[task.name]
        labels |= {label: float(np.clip(row[label], *task.range)) for label in task.labels}  # rounding may leave it
    return {
        "path": os.path.abspath(row["input"]),  # noqa: PTH100 (resolve would follow links out of the data set)
        "split": "train",
        "found": True,
        **{side: row[side] for side in BOX},
        "landmarks": [row[f"{point}_{axis}"] for point in LANDMARKS for axis in "xy"],
        "score": row["score"],
        **labels,
    }
