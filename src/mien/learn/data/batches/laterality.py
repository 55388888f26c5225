"""Swap the labels of the left and right half of the face in mirrored pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from mien.learn.batch import Batch
from mien.tasks import Kind, Task

SIDES = (
    (re.compile(r"^(.*(?:[0-9]|[_ -]))([LR])$"), {"L": "R", "R": "L"}),
    (re.compile(r"^()(left|right)(?=[_ -])"), {"left": "right", "right": "left"}),
)
"""How labels name a side: ``AU12L`` and ``AU12_R`` at the end; ``left_wink`` and ``right wink`` at the start."""


def mirrored(labels: Sequence[str]) -> list[int] | None:
    """For each label, the position of the label that replaces it in a mirror image; None if none changes.

    Only pairs count: a label whose partner is missing keeps its place, since a name may end in L by chance. The
    seventeen action units have no sides.

    Example:
        >>> mirrored(("AU01", "AU12L", "AU12R"))
        [0, 2, 1]
    """
    places = {label: place for place, label in enumerate(labels)}
    order = [places.get(_partner(label), place) for place, label in enumerate(labels)]
    return order if order != list(range(len(labels))) else None


def swap(batch: Batch, flipped: Tensor, tasks: Sequence[Task]) -> Batch:
    """The batch with the labels and masks of mirrored rows swapped; ``flipped``, N bool, marks these rows."""
    labels, mask = dict(batch.labels), dict(batch.mask)
    for task in tasks:
        order = mirrored(task.labels)
        if order is None:
            continue
        old, known = labels[task.name], mask[task.name]
        turned = torch.tensor(order, device=old.device)
        labels[task.name] = _where(flipped, turned[old] if old.ndim == 1 else old[:, turned], old)
        if task.kind is not Kind.CLASSES:
            mask[task.name] = _where(flipped, known[:, turned], known)
    return Batch(batch.images, labels, mask)


def _partner(label: str) -> str:
    for pattern, other in SIDES:
        if found := pattern.search(label):
            return label[: found.start(2)] + other[found[2]] + label[found.end(2) :]
    return label


def _where(rows: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(rows.to(old.device).reshape(-1, *[1] * (old.ndim - 1)), new, old)
