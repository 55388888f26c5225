"""Teachers: trained networks whose predictions replace missing labels (papers/002, "S-T").

The student is an ordinary multi-task network without couplings. In the paper its teachers are single-task networks
that label each other's training sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mien.learn.data.batches.mixing import Mixing
from mien.learn.data.manifest import Manifest
from mien.learn.evaluate.predictions import as_given
from mien.learn.evaluate.predictor import open_predictor
from mien.tasks import Kind, Task


class TeacherError(ValueError):
    """A teacher cannot be used; the message names its path and the reason."""


def fill_labels(mixing: Mixing, tasks: Sequence[Task], teachers: Sequence[Path]) -> Mixing:
    """The same batches with the teachers' predictions wherever a label is missing.

    Raises:
        TeacherError, CheckpointError, ModelError: as :func:`predict_labels`.
    """
    if not teachers:
        return mixing
    filled = []
    for part, columns in zip(mixing.sets, mixing.columns, strict=True):
        predicted = predict_labels(part.manifest, tasks, teachers)
        taught = {
            task.name: fill(columns.get(task.name), predicted[task.name], task)
            for task in tasks
            if task.name in predicted
        }
        filled.append({**columns, **taught})
    return mixing.with_labels(filled)


def predict_labels(
    manifest: Manifest, tasks: Sequence[Task], teachers: Sequence[Path], *, size: int = 256
) -> dict[str, NDArray[np.float32]]:
    """The teachers' predictions for every row of a manifest, without augmentation.

    Args:
        manifest: the rows, in order.
        tasks: the label space of the student; other tasks of a teacher are ignored.
        teachers: checkpoint folders or ``.onnx`` files. If several know a task, their predictions are averaged.
        size: rows per forward pass.

    Returns:
        For each task that a teacher knows, N x labels: probabilities, or values in [-1, 1].

    Raises:
        TeacherError: if a teacher's task has other labels than the student's, if it knows none of the tasks, or if it
            cannot read the manifest's inputs.
        CheckpointError, ModelError: if a checkpoint or a file cannot be used.
    """
    found: dict[str, list[NDArray[np.float32]]] = {}
    for teacher in teachers:
        for name, predicted in _predictions(manifest, tasks, teacher, size).items():
            found.setdefault(name, []).append(predicted)
    return {name: np.mean(several, axis=0, dtype=np.float32) for name, several in found.items()}


def fill(column: NDArray[np.float32] | None, predicted: NDArray[np.float32], task: Task) -> NDArray[np.float32]:
    """A column of labels with a teacher's soft labels wherever it has none; existing labels are kept.

    Args:
        column: as given by :meth:`mien.learn.data.manifest.Manifest.column`, NaN where there is no label; None
            if there are none at all.
        predicted: N x labels, as given by :func:`predict_labels`.
        task: the task of the column.

    Returns:
        N x labels. Classes become shares: one-hot in a labelled row, the teacher's probabilities in the others;
        attributes and continuous values are filled cell by cell.
    """
    if column is None:
        return predicted
    missing = np.asarray(np.isnan(column))
    if task.kind is Kind.CLASSES and column.ndim == 1:
        column = np.eye(len(task), dtype=np.float32)[np.where(missing, 0, column).astype(int)]
    if task.kind is Kind.CLASSES:
        missing = np.asarray(missing.reshape(len(column), -1).any(1))[:, None]
    filled: NDArray[np.float32] = np.where(missing, predicted, column).astype(np.float32)
    return filled


def _predictions(manifest: Manifest, tasks: Sequence[Task], teacher: Path, size: int) -> dict[str, NDArray[np.float32]]:
    predict, known = open_predictor(teacher)
    own = {task.name: task for task in known}
    taught = [task for task in tasks if task.name in own]
    if not taught:
        raise TeacherError(f"{teacher}: knows {', '.join(own)}, none of {', '.join(task.name for task in tasks)}")
    for task in taught:
        if (own[task.name].kind, own[task.name].labels) != (task.kind, task.labels):
            raise TeacherError(f"{teacher}: its task {task.name} has other labels than the data")
    parts: dict[str, list[NDArray[np.floating]]] = {task.name: [] for task in taught}
    for start in range(0, len(manifest), size):
        rows = np.arange(start, min(start + size, len(manifest)))
        try:
            outputs = predict(as_given(torch.from_numpy(np.ascontiguousarray(manifest.images(rows)))))
        except (RuntimeError, ValueError) as error:
            raise TeacherError(
                f"{teacher}: cannot read {manifest.path} ({' '.join(str(error).split())[:200]})"
            ) from None
        for name, values in parts.items():
            values.append(outputs[name])
    return {name: np.concatenate(values).astype(np.float32) for name, values in parts.items()}
