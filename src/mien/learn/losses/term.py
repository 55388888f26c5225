"""What every loss returns: a sum and a count."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class LossTerm:
    """A loss before its mean is taken.

    The mean over a global batch is the sum of the totals over the sum of the counts; the mean of
    per-rank means would be another number wherever ranks hold unequal numbers of labels.

    Args:
        total: scalar, the sum over what is observed; attached to the graph even if nothing is.
        count: scalar, how many observations ``total`` sums over.
    """

    total: Tensor
    count: Tensor

    @classmethod
    def over(cls, losses: Tensor, mask: Tensor) -> LossTerm:
        """Sum ``losses`` where ``mask`` holds. Both have one shape; ``losses`` must be finite everywhere."""
        return cls((losses * mask).sum(), mask.sum())

    def mean(self) -> Tensor:
        """``total / count``; an attached 0 where nothing is observed."""
        return self.total / self.count.clamp(min=1)

    def __add__(self, other: LossTerm) -> LossTerm:
        return LossTerm(self.total + other.total, self.count + other.count)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Row-wise weighted mean of N x K values; 0 for a row whose weights are all 0."""
    mass = weights.sum(1)
    return (values * weights).sum(1) / torch.where(mass > 0, mass, 1.0)
