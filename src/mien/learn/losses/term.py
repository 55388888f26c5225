"""The return value of every loss: a sum and a count."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class LossTerm:
    """A loss before its mean is taken.

    The mean over a global batch is the sum of the totals divided by the sum of the counts; the mean of per-rank means
    differs from it if ranks hold different numbers of labels.

    Args:
        total: scalar, the sum over the observations; attached to the graph even if there are none.
        count: scalar, the number of observations.

    Example:
        >>> (LossTerm(torch.tensor(4.0), torch.tensor(3)) + LossTerm(torch.tensor(7.0), torch.tensor(1))).mean()
        tensor(2.7500)
    """

    total: Tensor
    count: Tensor

    @classmethod
    def over(cls, losses: Tensor, mask: Tensor) -> LossTerm:
        """Sum ``losses`` where ``mask`` is True. Both have the same shape; ``losses`` must be finite everywhere."""
        return cls((losses * mask).sum(), mask.sum())

    def mean(self) -> Tensor:
        """``total / count``; an attached 0 if there are no observations."""
        return self.total / self.count.clamp(min=1)

    def __add__(self, other: LossTerm) -> LossTerm:
        return LossTerm(self.total + other.total, self.count + other.count)


def precise(values: Tensor) -> Tensor:
    """``values`` in float32, or float64 if they are float64: half precision is too coarse for logarithms and sums."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def full_precision(like: Tensor) -> torch.autocast:
    """A context on the device of ``like`` without autocast, which would round products of probabilities and tables."""
    return torch.autocast(like.device.type, enabled=False)
