"""Write annotations as a manifest: a network's predictions become soft labels, stored with the crops that it read.

A whole database can thus be annotated for all tasks, as papers/003 did with its own network (section 5), and used for
training. This needs only the base install.
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
from mien.atomic import replacing
from mien.faces.detect import LANDMARKS, Pixels
from mien.learn.data.manifest.columns import BOX, MANIFEST, PACK, check_space
from mien.learn.data.manifest.shards import SHARDS, shard_path
from mien.learn.data.manifest.write import Report, refuse_another, write_manifest
from mien.tasks import Kind, Task

SHARD = 1024
"""Number of crops that are kept in memory and written together, about 40 MB."""


class AnnotatedSet:
    """A folder with a manifest and its crops, written as annotations arrive; a context manager, which completes it.

    Each row is one face, and its labels are the network's outputs: for classes the most probable word and the shares of
    all, for attributes probabilities in [0, 1], for continuous tasks values in [-1, 1]. All rows are in the split
    train, since predictions can be used for training but not for evaluation. ``metadata["weak"]`` marks every task as
    predicted, and ``metadata["network"]`` names the network.

    Args:
        folder: created if it does not exist.
        model: the network that predicted.
        report: called with one line per row without usable labels, such as a row with NaN; the row is skipped.
        overwrite: whether to replace annotations of the same network in the folder.

    Attributes:
        faces: number of rows in the manifest; known once it is closed.
        skipped: number of rows that were skipped; known once it is closed.

    Raises:
        OSError: if the folder is not empty or cannot be written.
        ManifestError: if it holds another data set, or two labels of the network have the same name.
    """

    def __init__(self, folder: Path, model: Model, report: Report, *, overwrite: bool = False) -> None:
        self.folder, self.model, self.report = folder, model, report
        self.faces = self.skipped = 0
        self._rows: list[dict[str, Any]] = []
        self._crops: list[Pixels] = []
        self._count = self._shards = 0
        self._closed = False
        check_space(model.tasks)
        try:
            full = folder.exists() and any(folder.iterdir())
            if full and not overwrite:
                raise OSError(f"{folder}: is not empty (use --overwrite to replace its contents)")
            refuse_another(folder, annotation_metadata(model))
            (folder / SHARDS).mkdir(parents=True, exist_ok=True)
            for old in (folder / MANIFEST, folder / PACK, *(folder / SHARDS).glob("[0-9]*.*")):
                old.unlink(missing_ok=True)
        except OSError as error:
            raise OSError(f"{folder}: cannot be written: {error.strerror}" if error.strerror else str(error)) from None

    def write(self, result: Result) -> None:
        """Add the faces of a picture; they are written to disk in groups of :data:`SHARD`."""
        for row, crop in zip(result.rows if result.crops else (), result.crops, strict=True):
            self._rows.append(_labelled(row, self.model.tasks) | {"crop": self._count})
            self._crops.append(crop)
            self._count += 1
            if len(self._crops) == SHARD:
                self._flush()

    def close(self) -> None:
        """Write the remaining faces and the manifest, which needs at least one face; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._flush()
        if self._shards:
            path, about = self.folder / MANIFEST, annotation_metadata(self.model)
            self.faces = write_manifest(path, self._written(), self.model.tasks, about, self.report)
            self.skipped = self._count - self.faces
        else:
            (self.folder / SHARDS).rmdir()
        for number in range(self._shards):
            self._part(number).unlink()

    def _flush(self) -> None:
        """Write a shard and the table of its rows, each atomically."""
        if not self._crops:
            return
        with replacing(shard_path(self.folder / SHARDS, self._shards)) as partial, partial.open("wb") as file:
            np.save(file, np.stack(self._crops))
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


def annotation_metadata(model: Model) -> dict[str, Any]:
    """The manifest's metadata: source, licence, the weak labels (all of them), network and alignment."""
    # as the network has them; networks of earlier versions call their calibration readout
    known = {key: model.metadata[key] for key in ("version", "calibration", "readout") if key in model.metadata}
    reason = f"predicted by {model.name}, not annotated"
    return {
        "source": f"faces annotated by {model.name}",
        "licence": "that of the pictures; the labels are predictions",
        "weak": {task.name: reason for task in model.tasks},
        "network": {"name": model.name, **known},
        "alignment": {"size": model.size, "template": model.template.tolist()},
    }


def _labelled(row: Row, tasks: tuple[Task, ...]) -> dict[str, Any]:
    """Convert a row of annotations to a row of a manifest."""
    labels: dict[str, Any] = {}
    for task in tasks:
        if task.kind is Kind.CLASSES:
            labels[task.name] = row[task.name]
        labels |= {label: float(np.clip(row[label], *task.range)) for label in task.labels}  # rounding may exceed it
    return {
        "path": os.path.abspath(row["input"]),  # noqa: PTH100 (resolve would follow links out of the data set)
        "split": "train",
        "found": True,
        **{side: row[side] for side in BOX},
        "landmarks": [row[f"{point}_{axis}"] for point in LANDMARKS for axis in "xy"],
        "score": row["score"],
        **labels,
    }
