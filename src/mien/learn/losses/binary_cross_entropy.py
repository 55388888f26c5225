"""Masked binary cross-entropy for attributes (papers/003, eq. 2, L_AU)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mien.learn.losses.term import LossTerm, weighted_mean


def binary_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> LossTerm:
    """The mean over the annotated attributes of each sample: ``sum_i d_i BCE_i / sum_i d_i``.

    A sample counts once, however many of its attributes are annotated; that is the delta weighting of eq. 2.

    Args:
        logits: N x A.
        labels: N x A, 0 or 1 (or probabilities); any finite value where the weight is 0.
        weights: N x A, the deltas: the batch's bool mask, or non-negative weights as co-annotation has them.

    Returns:
        sum over samples with any annotated attribute, and their number.
    """
    weights = weights.float()
    cells = binary_cross_entropy_with_logits(logits.float(), labels.float(), reduction="none")
    return LossTerm.over(weighted_mean(cells, weights), weights.sum(1) > 0)
