"""Cross-entropy for classes, from hard labels or vote distributions (papers/003, eq. 2, L_Emo)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import log_softmax

from mien.learn.losses.term import LossTerm, precise


def cross_entropy(logits: Tensor, labels: Tensor, mask: Tensor) -> LossTerm:
    """``-sum_c y_c log p_c`` for each labelled sample.

    With hard labels, this is eq. 2 of papers/003. With vote shares, it is the cross-entropy to the annotators'
    distribution (Barsoum et al. 2016), whose minimum is at p = y and is not 0.

    Args:
        logits: N x C.
        labels: N indices or N x C shares that sum to 1.
        mask: N bool.

    Returns:
        The sum over labelled samples, and their number.

    Example:
        >>> cross_entropy(torch.zeros(2, 4), torch.tensor([3, 0]), torch.tensor([True, False])).mean()
        tensor(1.3863)
    """
    log_p = log_softmax(precise(logits), 1)
    # gather, because one-hot rows of ten thousand classes are large
    log_likelihood = (labels * log_p).sum(1) if labels.ndim == 2 else log_p.gather(1, labels[:, None])[:, 0]
    return LossTerm.over(-log_likelihood, mask)
