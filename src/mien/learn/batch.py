"""Batches: pictures, their labels, and masks that mark what is labelled. Only this module interprets missing labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from mien.tasks import Kind, Task


@dataclass(frozen=True, eq=False)
class Batch:
    """N pictures with their labels.

    Args:
        images: N x C x H x W, uint8 or float, intensities in [0, 255]; C is 3, or 1 for grey pictures. Or N x D feature
            vectors.
        labels: by task name: classes N (int64 indices) or N x C (float vote shares); attributes N x A (float, 0 or 1);
            continuous N x D (float). Always finite: cells without a label hold 0.
        mask: by task name, bool, True where labelled: classes N; attributes and continuous per cell.
    """

    images: Tensor
    labels: Mapping[str, Tensor]
    mask: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device | str) -> Batch:
        """Copy the batch to another device."""
        return Batch(
            self.images.to(device),
            {name: labels.to(device) for name, labels in self.labels.items()},
            {name: mask.to(device) for name, mask in self.mask.items()},
        )


def collate(images: NDArray[Any], columns: Mapping[str, NDArray[np.float32]], tasks: Sequence[Task]) -> Batch:
    """Build a batch from columns in which NaN means "not annotated".

    Args:
        images: N x C x H x W, or N x D features.
        columns: by task name, as :meth:`mien.learn.data.manifest.Manifest.column` returns them; a task without
            a column is unlabelled.
        tasks: the label space of the batch.
    """
    labels, mask = {}, {}
    for task in tasks:
        column = columns.get(task.name)
        if column is None:
            single = task.kind is Kind.CLASSES
            column = np.full(len(images) if single else (len(images), len(task)), np.nan, np.float32)
        values = torch.from_numpy(np.nan_to_num(column))
        known = torch.from_numpy(~np.isnan(column))
        if task.kind is Kind.CLASSES:
            values = values if values.ndim == 2 else values.long()
            known = known.all(1) if known.ndim == 2 else known
        labels[task.name], mask[task.name] = values, known
    return Batch(torch.from_numpy(np.ascontiguousarray(images)), labels, mask)


def concatenate(batches: Sequence[Batch], tasks: Sequence[Task]) -> Batch:
    """Join several batches into one (papers/003, section 4.4).

    Hard class labels become one-hot if another batch has vote shares for the same task.
    """
    if len(batches) == 1:
        return batches[0]
    labels = {}
    for task in tasks:
        parts = [batch.labels[task.name] for batch in batches]
        if task.kind is Kind.CLASSES and len({part.ndim for part in parts}) == 2:
            parts = [as_distribution(part, len(task)) for part in parts]
        labels[task.name] = torch.cat(parts)
    return Batch(
        torch.cat(_match_channels([batch.images for batch in batches])),
        labels,
        {task.name: torch.cat([batch.mask[task.name] for batch in batches]) for task in tasks},
    )


def _match_channels(images: list[Tensor]) -> list[Tensor]:
    """Expand grey pictures to three channels if others have three; feature vectors are unchanged."""
    if images[0].ndim == 2:
        return images
    channels = max(each.shape[1] for each in images)
    return [each.expand(-1, channels, -1, -1) for each in images]


def as_distribution(labels: Tensor, classes: int) -> Tensor:
    """Class labels (N indices or N x C shares) as N x C probabilities."""
    return labels if labels.ndim == 2 else one_hot(labels, classes).float()


def as_index(labels: Tensor) -> Tensor:
    """Class labels (N indices or N x C shares) as N indices; ties go to the first class."""
    return labels.argmax(1) if labels.ndim == 2 else labels
