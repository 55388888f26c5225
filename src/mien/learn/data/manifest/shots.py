"""Draw a few rows of each class, for few-shot learning (papers/003, section 3.1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import ManifestError
from mien.learn.data.manifest.read import Manifest
from mien.tasks import Kind, Task


def few(labels: NDArray[np.floating], shots: int, seed: int) -> NDArray[np.int_]:
    """The positions of ``shots`` random rows of each class, in order; all rows of a class that has fewer.

    With the same seed, the rows of fewer shots are a subset of those of more.

    Args:
        labels: N class indices, NaN where a row has no label.
        shots: rows per class, at least 1.
        seed: seed of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    places = [order[labels[order] == index][:shots] for index in np.unique(labels[~np.isnan(labels)])]
    return np.sort(np.concatenate([np.empty(0, int), *places]))


def shots_of(manifest: Manifest, task: Task, shots: int, seed: int) -> Manifest:
    """A manifest reduced to a few rows of each class of a task; rows without its label are dropped.

    Raises:
        ManifestError: if no row has a label of the task.
    """
    rows = few(manifest.column(task, hard=True), shots, seed)
    if not len(rows):
        raise ManifestError(f"{manifest.path}: no row has a label of {task.name}, so {shots} per class cannot be drawn")
    return replace(manifest, table=manifest.table.take(pa.array(rows)))


def counted_by(tasks: Sequence[Task], provided: Sequence[str] | None, trained: Sequence[str] | None) -> Task | None:
    """The task whose classes are counted: the first trained classification task that a set provides.

    Args:
        tasks: the manifest's tasks.
        provided: names of the tasks that the set provides; None means all.
        trained: names of the tasks of the run; None means all. If none of them has classes, the first of the set's own
            is used, so that a network for another of its tasks sees the same rows.
    """
    own = {
        task.name: task for task in tasks if task.kind is Kind.CLASSES and (provided is None or task.name in provided)
    }
    names = [*(name for name in trained or () if name in own), *(name for name in provided or () if name in own), *own]
    return own[names[0]] if names else None


def scarce(labels: NDArray[np.floating], task: Task, shots: int) -> str | None:
    """A message about the classes that have fewer rows than requested; None if there are none.

    Args:
        labels: class indices of the drawn rows.
        task: the task of the classes.
        shots: requested rows per class.
    """
    counts = {name: int((labels == index).sum()) for index, name in enumerate(task.labels)}
    lacking = ", ".join(f"{name} {count}" for name, count in counts.items() if count < shots)
    return f"fewer than {shots} rows per class of {task.name}: {lacking}" if lacking else None
