"""The concordance loss, 1 - CCC, for valence and arousal (papers/003, eq. 2, L_VA)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from mien.learn.losses.term import LossTerm

EPSILON = 1e-8


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of predictions and labels over the labelled cells of all ranks, in float64, one value per dimension.

    Args:
        own: number of labelled cells on this rank; 0 if all ranks together have fewer than two.
        mean_p, variance_p: mean and variance of the predictions.
        mean_t, variance_t: mean and variance of the labels.
        covariance: covariance of predictions and labels.
        error: mean squared difference.
    """

    own: Tensor
    mean_p: Tensor
    mean_t: Tensor
    variance_p: Tensor
    variance_t: Tensor
    covariance: Tensor
    error: Tensor

    @classmethod
    def of(cls, outputs: Tensor, labels: Tensor, mask: Tensor) -> Moments:
        """Compute the moments of N x D outputs and N x D labels under an N x D bool mask of the labelled cells."""
        wide = torch.float32 if outputs.device.type == "mps" else torch.float64  # Apple GPUs have no float64
        known = mask.to(wide)
        prediction, truth = outputs.to(wide) * known, labels.to(wide) * known
        n, *sums = _sum_over_ranks(
            torch.stack(
                [
                    known.sum(0),
                    prediction.sum(0),
                    truth.sum(0),
                    (prediction**2).sum(0),
                    (truth**2).sum(0),
                    (prediction * truth).sum(0),
                    ((prediction - truth) ** 2).sum(0),
                ]
            )
        )
        mean_p, mean_t, square_p, square_t, product, error = (total / n.clamp(min=1) for total in sums)
        return cls(
            own=known.sum(0) * (n >= 2),
            mean_p=mean_p,
            mean_t=mean_t,
            variance_p=square_p - mean_p**2,
            variance_t=square_t - mean_t**2,
            covariance=product - mean_p * mean_t,
            error=error,
        )

    def ccc(self) -> Tensor:
        """The concordance correlation coefficient (Lin 1989); 0 if labels and predictions are both constant."""
        spread = self.variance_p + self.variance_t + (self.mean_p - self.mean_t) ** 2
        return 2 * self.covariance / (spread + EPSILON)

    def term(self, loss: Tensor) -> LossTerm:
        """The term of ``loss``, which has one value per dimension, weighted by the labelled cells on this rank."""
        return LossTerm((loss * self.own).sum().float(), self.own.sum())


def concordance(outputs: Tensor, labels: Tensor, mask: Tensor) -> LossTerm:
    """``1 - CCC`` with ``CCC = 2 cov / (var + var + (mean difference)^2)``, for each dimension.

    CCC is a statistic of the batch, not a sum over samples. Its moments are therefore summed over all ranks first, and
    the term is ``(1 - CCC) * n``, so that totals and counts add up over ranks as they do for every loss. With
    micro-batches the moments are still those of the whole batch (:mod:`mien.learn.train.micro_batches`).

    A dimension with fewer than two labels is skipped. If labels and outputs are constant, CCC is 0.

    Departures: the formula printed in papers/003 squares the variances in the denominator (E^2[...]); the coefficient
    of Lin (1989) does not, and neither does this. The paper averages valence and arousal equally; here a dimension is
    weighted by its labelled cells, which is the same if both are labelled.

    Minimum: 0, where outputs and labels are equal.

    Args:
        outputs: N x D, unbounded.
        labels: N x D in [-1, 1].
        mask: N x D bool.

    Returns:
        (1 - CCC) times the number of labelled cells, summed over dimensions; the number of these cells.

    Example:
        >>> labels = torch.tensor([[-0.5], [0.0], [0.5]])
        >>> round(concordance(-labels, labels, torch.ones(3, 1, dtype=torch.bool)).mean().item(), 4)
        2.0
    """
    moments = Moments.of(outputs, labels, mask)
    return moments.term(1 - moments.ccc())


def _sum_over_ranks(moments: Tensor) -> Tensor:
    """Sum over all ranks, differentiable; the identity in a single process."""
    if not (dist.is_available() and dist.is_initialized()):
        return moments
    from torch.distributed.nn.functional import all_reduce  # type: ignore[attr-defined,unused-ignore]

    summed: Tensor = all_reduce(moments)  # type: ignore[no-untyped-call,unused-ignore]
    return summed
