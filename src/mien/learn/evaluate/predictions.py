"""The predictions of a network for the rows of a manifest, with the labels of these rows: all that metrics need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from torch import Tensor

from mien.learn.data.batches.mixing import in_order
from mien.learn.data.manifest import Manifest, ManifestError
from mien.learn.evaluate.metrics import likeliest
from mien.tasks import Task

Predictor = Callable[[NDArray[Any]], Mapping[str, NDArray[np.floating]]]
"""Maps N x H x W x 3 uint8 pictures, or N x D features, to readable outputs of each task, N x labels."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """The outputs of a network for N rows, and the labels of these rows.

    Args:
        tasks: what is predicted; their labels name the columns of the outputs.
        outputs: for each task, N x labels: probabilities, or values in [-1, 1].
        labels: for each task, as in :class:`mien.learn.batch.Batch` with hard class labels: N indices, or N x labels.
            Missing labels are 0.
        mask: for each task, bool, N or N x labels: what is labelled.
        rows: the N rows of the manifest with all its columns, such as ``path``, ``subject``, ``video``, ``dataset``;
            of several manifests, without columns whose types contradict each other.
        missed: N, bool: rows without a prediction, for instance because no face was found. Their outputs are 0, and
            they count as errors.
    """

    tasks: tuple[Task, ...]
    outputs: Mapping[str, NDArray[np.floating]]
    labels: Mapping[str, NDArray[Any]]
    mask: Mapping[str, NDArray[np.bool_]]
    rows: pa.Table
    missed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.missed)

    def guess(self, task: Task) -> NDArray[np.int_]:
        """Index of the most probable class of each row; -1 if it was missed, or no class has any probability."""
        return likeliest(self.outputs[task.name], self.missed)


def predict(predictor: Predictor, tasks: tuple[Task, ...], *manifests: Manifest, size: int = 256) -> Predictions:
    """Predict every row of some manifests, one manifest after the other; no row is missed.

    Args:
        predictor: from :func:`mien.learn.evaluate.predictor.open_predictor`, for instance.
        tasks: tasks of the predictor; rows of a manifest that lacks one of them have no label of it.
        manifests: at least one.
        size: the number of rows that are predicted at once.

    Raises:
        ManifestError: if the network cannot read the inputs of a manifest.
    """
    outputs: dict[str, list[NDArray[np.floating]]] = {task.name: [] for task in tasks}
    labels: dict[str, list[NDArray[Any]]] = {task.name: [] for task in tasks}
    mask: dict[str, list[NDArray[np.bool_]]] = {task.name: [] for task in tasks}
    for manifest, batch in ((each, batch) for each in manifests for batch in in_order(each, tasks, size)):
        try:
            predicted = predictor(as_given(batch.images))
        except ValueError as error:
            raise ManifestError(f"{manifest.path}: the network cannot read its inputs ({error})") from None
        for task in tasks:
            outputs[task.name].append(predicted[task.name])
            labels[task.name].append(batch.labels[task.name].numpy())
            mask[task.name].append(batch.mask[task.name].numpy())
    rows = _stacked([manifest.table for manifest in manifests])
    nothing = np.zeros(rows.num_rows, bool)
    return Predictions(tasks, _joined(outputs), _joined(labels), _joined(mask), rows, nothing)


def as_given(images: Tensor) -> NDArray[Any]:
    """A batch's inputs as a :data:`Predictor` takes them: pictures with three channels, last; features as they are."""
    if images.ndim == 4:
        images = images.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous()
    return images.numpy()


def _joined(parts: Mapping[str, list[NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _stacked(tables: list[pa.Table]) -> pa.Table:
    """All rows in one table, without columns whose types contradict each other."""
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowTypeError:
        types = [{field.name: field.type for field in table.schema} for table in tables]
        names = {name for each in types for name in each}
        apart = {name for name in names if len({each[name] for each in types if name in each}) > 1}
        kept = [table.drop_columns([name for name in table.column_names if name in apart]) for table in tables]
        return pa.concat_tables(kept, promote_options="permissive")
