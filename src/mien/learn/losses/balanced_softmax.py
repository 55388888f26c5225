"""Balanced softmax: cross-entropy whose logits carry the class prior of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.learn.losses.cross_entropy import cross_entropy
from mien.learn.losses.term import LossTerm, precise
from mien.tasks import Kind

FLOOR = 1e-4
"""Smallest prior: a class that no training row has keeps a finite logarithm."""


@dataclass(frozen=True)
class BalancedSoftmax:
    """``-sum_c y_c log softmax(f + strength log prior)_c``: f learns to do without the prior.

    Ren et al. 2020 (eq. 4) with ``strength`` 1; Menon et al. 2021 (eq. 10, "logit adjusted loss") with any, its tau.
    Not in our three papers, whose remedy is to sample. Labels may be vote shares; the prior is their mean over the
    rows.

    Minimum over f for one row: at ``softmax(f + strength log prior) = y``. The network is read without the prior, so
    its probabilities are those of a balanced population; ``mien calibrate`` gives a part of the prior back.

    Args:
        strength: 0 is the ordinary cross-entropy, 1 removes the prior wholly.
        prior: of the classes; counted in the training rows where it is left out.

    Raises:
        ValueError: for a strength that is negative or not finite, or a prior that is none.
    """

    kind: ClassVar[Kind] = Kind.CLASSES

    strength: float = 1.0
    prior: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength < float("inf"):
            raise ValueError(f"BalancedSoftmax: strength is 0 or more, not {self.strength}")
        if self.prior is not None and not (min(self.prior, default=-1.0) >= 0 and 0 < sum(self.prior) < float("inf")):
            raise ValueError("BalancedSoftmax: prior is of numbers from 0 up, not all 0")

    def counted(self, sets: Sequence[tuple[NDArray[np.float32], float]], classes: int) -> BalancedSoftmax:
        """The loss with the prior of the training rows, unless it has one.

        Args:
            sets: of each the labels, N indices or N x C shares, NaN where there is none, and how many of its rows stand
                in a step: the prior is that of the batches.
            classes: C.

        Raises:
            ValueError: if its own prior has another length, or no row is labelled.
        """
        if self.prior is not None:
            if len(self.prior) != classes:
                raise ValueError(f"BalancedSoftmax: prior has {len(self.prior)} numbers for {classes} classes")
            return self
        total = sum((shares(labels, classes) * rows / len(labels) for labels, rows in sets), np.zeros(classes))
        if not total.sum():
            raise ValueError("BalancedSoftmax: no training row is labelled, so there is no prior")
        return replace(self, prior=tuple((total / total.sum()).tolist()))

    def __call__(self, logits: Tensor, labels: Tensor, mask: Tensor) -> LossTerm:
        """The loss of each labelled sample, summed; their number.

        Args:
            logits: N x C.
            labels: N indices or N x C shares that sum to 1.
            mask: N bool.

        Raises:
            ValueError: if the prior was neither given nor counted.
        """
        if self.prior is None:
            raise ValueError("BalancedSoftmax: the prior is not counted yet")
        prior = torch.tensor(self.prior, device=logits.device, dtype=torch.float32)
        prior = (prior / prior.sum()).clamp(min=FLOOR)
        return cross_entropy(precise(logits) + self.strength * prior.log(), labels, mask)


def shares(column: NDArray[np.float32], classes: int) -> NDArray[np.float64]:
    """How many rows of a column have each class, votes as parts of a row."""
    labelled = column[~np.isnan(column.reshape(len(column), -1)).any(1)].astype(np.float64)
    if column.ndim == 2:
        return np.asarray(labelled.sum(0), np.float64)
    return np.bincount(labelled.astype(int), minlength=classes).astype(np.float64)
