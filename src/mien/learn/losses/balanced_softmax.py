"""Balanced softmax: cross-entropy of logits that contain the class prior of the training rows."""

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
"""Smallest prior; keeps the logarithm finite for a class without training rows."""


@dataclass(frozen=True)
class BalancedSoftmax:
    """``-sum_c y_c log softmax(f + strength log prior)_c``: the network learns logits f without the prior.

    Ren et al. 2020, eq. 4, with ``strength`` 1; Menon et al. 2021, eq. 10 ("logit adjusted loss"), where ``strength``
    is tau. Not in our three papers, which resample instead. Labels may be vote shares; the prior is then their mean
    over the rows.

    Minimum over f for one row: at ``softmax(f + strength log prior) = y``. No prior is added in prediction, so the
    probabilities are those of a population in which all classes are equally frequent; ``mien calibrate`` restores a
    part of the prior.

    Args:
        strength: 0 is the ordinary cross-entropy, 1 removes the prior completely.
        prior: frequencies of the classes; None: counted in the training rows.

    Raises:
        ValueError: if ``strength`` is negative or not finite, or if ``prior`` is not a valid prior.

    Example:
        >>> loss = BalancedSoftmax(prior=(0.7, 0.2, 0.1))
        >>> term = loss(torch.zeros(2, 3), torch.tensor([0, 2]), torch.tensor([True, True]))
    """

    kind: ClassVar[Kind] = Kind.CLASSES

    strength: float = 1.0
    prior: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength < float("inf"):
            raise ValueError(f"BalancedSoftmax: strength must be 0 or more and finite, not {self.strength}")
        if self.prior is not None and not (min(self.prior, default=-1.0) >= 0 and 0 < sum(self.prior) < float("inf")):
            raise ValueError("BalancedSoftmax: prior must hold finite numbers of 0 or more, not all 0")

    def counted(self, sets: Sequence[tuple[NDArray[np.float32], float]], classes: int) -> BalancedSoftmax:
        """Return the loss with the prior of the training rows, unless it already has one.

        Args:
            sets: for each data set, its labels (N indices or N x C shares, NaN where not labelled) and its number of
                rows per step, so that the prior is that of the batches.
            classes: C.

        Raises:
            ValueError: if its own prior has another length, or no row is labelled.
        """
        if self.prior is not None:
            if len(self.prior) != classes:
                raise ValueError(f"BalancedSoftmax: prior has {len(self.prior)} numbers for {classes} classes")
            return self
        total = sum((class_counts(labels, classes) * rows / len(labels) for labels, rows in sets), np.zeros(classes))
        if not total.sum():
            raise ValueError("BalancedSoftmax: no labelled training rows to count the prior from")
        return replace(self, prior=tuple((total / total.sum()).tolist()))

    def __call__(self, logits: Tensor, labels: Tensor, mask: Tensor) -> LossTerm:
        """Return the sum over the labelled samples, and their number.

        Args:
            logits: N x C.
            labels: N indices or N x C shares that sum to 1.
            mask: N bool.

        Raises:
            ValueError: if the prior was neither given nor counted.
        """
        if self.prior is None:
            raise ValueError("BalancedSoftmax: the prior has not been counted; call `counted` first")
        prior = torch.tensor(self.prior, device=logits.device, dtype=torch.float32)
        prior = (prior / prior.sum()).clamp(min=FLOOR)
        return cross_entropy(precise(logits) + self.strength * prior.log(), labels, mask)


def class_counts(column: NDArray[np.float32], classes: int) -> NDArray[np.float64]:
    """Number of rows of a column with each class, C; votes count as fractions of a row."""
    labelled = column[~np.isnan(column.reshape(len(column), -1)).any(1)].astype(np.float64)
    if column.ndim == 2:
        return np.asarray(labelled.sum(0), np.float64)
    return np.bincount(labelled.astype(int), minlength=classes).astype(np.float64)
