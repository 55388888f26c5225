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
    """``L_AV = L_RMSE + 1/2 (L_PCC + L_CCC)``, L_PCC = 1 - mean PCC, L_CCC = 1 - mean CCC over the dimensions.

    Where papers/001 is silent:

    - L_RMSE of valence and arousal together. Here it is the mean of the root of each dimension, as of PCC and CCC. The
      paper's release adds both up: ``rmse=2.0``.
    - Over what the expectations go. Here it is the (global) batch, with moments summed over all ranks first, as in
      :func:`mien.learn.losses.concordance.concordance`. With micro-batches it is still the whole batch.
    - Missing labels. Here a dimension counts by its labelled cells, and one with fewer than two is left out: it has no
      correlations.
    - Coefficients that are 0 / 0. PCC is 0 where labels or predictions are constant, CCC where both are. The gradient
      of the root is 0 where there is no error.

    The gradient of PCC grows as the deviation of the predictions falls, up to 1e4 / sqrt(n) where they are constant.

    Minimum: 0, where every prediction is the label.

    Args:
        correlation: factor of both correlations, the paper's epsilon.
        rmse: factor of the root mean squared error.

    Raises:
        ValueError: for a factor that is negative or not finite.
    """

    kind: ClassVar[Kind] = Kind.CONTINUOUS

    correlation: float = 0.5
    rmse: float = 1.0

    def __post_init__(self) -> None:
        for name, factor in (("correlation", self.correlation), ("rmse", self.rmse)):
            if not 0 <= factor < float("inf"):
                raise ValueError(f"RmseCorrelation: {name} is 0 or more, not {factor}")

    def __call__(self, outputs: Tensor, labels: Tensor, mask: Tensor) -> LossTerm:
        """L_AV of each dimension times its labelled cells, summed; the number of those cells.

        Args:
            outputs: N x D, unbounded.
            labels: N x D in [-1, 1].
            mask: N x D bool.
        """
        moments = Moments.of(outputs, labels, mask)
        root = moments.error.clamp(min=EPSILON**2).sqrt()  # the root of 0 has no gradient
        correlations = (1 - pearson(moments)) + (1 - moments.ccc())
        return moments.term(self.rmse * root + self.correlation * correlations)


def pearson(moments: Moments) -> Tensor:
    """Correlation coefficient of each dimension, in [-1, 1]; 0 where labels or predictions are constant."""
    variances = (moments.variance_p, moments.variance_t)
    p, t = (variance.clamp(min=0) + EPSILON for variance in variances)  # a difference of sums may fall below 0
    return moments.covariance / (p * t).sqrt()
