"""Root mean squared error and two correlations for valence and arousal (papers/001, L_AV of "Evaluation metrics")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mien.learn.losses.concordance import EPSILON, Moments
from mien.learn.losses.term import LossTerm
from mien.tasks import Kind


@dataclass(frozen=True)
class RmseCorrelation:
    """``L_AV = L_RMSE + 1/2 (L_PCC + L_CCC)``, with L_PCC = 1 - mean PCC and L_CCC = 1 - mean CCC over the dimensions.

    Where papers/001 is silent:

    - How L_RMSE combines valence and arousal. Here it is the mean of the dimensions' roots, as for PCC and CCC. The
      paper's release adds them, which is ``rmse=2.0``.
    - What the expectations are taken over. Here it is the (global) batch, with moments summed over all ranks first, as
      in :func:`mien.learn.losses.concordance.concordance`. With micro-batches it is still the whole batch.
    - Missing labels. Here a dimension is weighted by its labelled cells, and one with fewer than two is skipped because
      it has no correlations.
    - Coefficients that are 0 / 0. PCC is 0 where labels or predictions are constant, CCC where both are. The gradient
      of the root is 0 where there is no error.

    The gradient of PCC grows as the deviation of the predictions falls, up to 1e4 / sqrt(n) where they are constant.

    Minimum: 0, where every prediction equals its label.

    Args:
        correlation: factor of both correlations, the paper's epsilon.
        rmse: factor of the root mean squared error.

    Raises:
        ValueError: for a factor that is negative or not finite.

    Example:
        >>> import torch
        >>> outputs, labels = torch.randn(8, 2), torch.rand(8, 2)
        >>> term = RmseCorrelation()(outputs, labels, torch.ones(8, 2, dtype=torch.bool))
    """

    kind: ClassVar[Kind] = Kind.CONTINUOUS

    correlation: float = 0.5
    rmse: float = 1.0

    def __post_init__(self) -> None:
        for name, factor in (("correlation", self.correlation), ("rmse", self.rmse)):
            if not 0 <= factor < float("inf"):
                raise ValueError(f"RmseCorrelation: {name} must be 0 or more and finite, not {factor}")

    def __call__(self, outputs: Tensor, labels: Tensor, mask: Tensor) -> LossTerm:
        """Return L_AV of each dimension times its labelled cells, summed; and the number of these cells.

        Args:
            outputs: N x D, unbounded.
            labels: N x D in [-1, 1].
            mask: N x D bool.
        """
        moments = Moments.of(outputs, labels, mask)
        root = moments.error.clamp(min=EPSILON**2).sqrt()  # sqrt has no finite gradient at 0
        correlations = (1 - pearson(moments)) + (1 - moments.ccc())
        return moments.term(self.rmse * root + self.correlation * correlations)


def pearson(moments: Moments) -> Tensor:
    """Pearson's correlation coefficient of each dimension, in [-1, 1]; 0 where labels or predictions are constant."""
    variances = (moments.variance_p, moments.variance_t)
    p, t = (variance.clamp(min=0) + EPSILON for variance in variances)  # rounding can make them negative
    return moments.covariance / (p * t).sqrt()
