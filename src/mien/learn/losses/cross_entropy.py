"""Cross-entropy for classes, from hard labels or vote distributions (papers/003, eq. 2, L_Emo)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import log_softmax

from mien.learn.batch import as_distribution
from mien.learn.losses.term import LossTerm


def cross_entropy(logits: Tensor, labels: Tensor, mask: Tensor, *, smoothing: float = 0.0) -> LossTerm:
    """``-sum_c y_c log p_c`` for each labelled sample.

    With hard labels it is eq. 2 of papers/003. With vote shares it is the cross-entropy to the
    annotators' distribution (Barsoum et al. 2016), whose minimum is at p = y, not at 0.

    Args:
        logits: N x C.
        labels: N indices or N x C shares that sum to 1.
        mask: N bool.
        smoothing: share of each target that is spread evenly over all classes.

    Returns:
        sum over labelled samples, and their number.
    """
    target = as_distribution(labels, logits.shape[1])
    target = (1 - smoothing) * target + smoothing / logits.shape[1]
    return LossTerm.over(-(target * log_softmax(logits.float(), 1)).sum(1), mask)
