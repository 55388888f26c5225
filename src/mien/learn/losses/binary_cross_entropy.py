"""Masked binary cross-entropy for attributes (papers/003, eq. 2, L_AU)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mien.learn.losses.term import LossTerm, precise

Normalise = Literal["weights", "attributes"]
"""The divisor of the sum over a sample's attributes: the sum of their weights, or their number."""


def binary_cross_entropy(
    logits: Tensor, labels: Tensor, weights: Tensor, *, normalise: Normalise = "weights"
) -> LossTerm:
    """Masked binary cross-entropy, ``sum_i d_i BCE_i / sum_i d_i`` for each sample.

    A sample counts once, however many of its attributes are annotated; this is the delta weighting of eq. 2.

    Args:
        logits: N x A.
        labels: N x A, 0 or 1 (or probabilities); any finite value where the weight is 0.
        weights: N x A, the deltas: the batch's bool mask, or non-negative weights such as those of co-annotation.
        normalise: divide by the sum of the weights, or by the number of attributes with a weight above 0. For a bool
            mask both are the same.

    Returns:
        The sum over samples with an annotated attribute, and their number.

    Example:
        >>> logits, labels = torch.zeros(2, 3), torch.ones(2, 3)
        >>> binary_cross_entropy(logits, labels, torch.tensor([[True, False, False], [True] * 3])).mean()
        tensor(0.6931)
    """
    logits, weights = precise(logits), precise(weights)
    cells = binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="none")
    mass = weights.sum(1) if normalise == "weights" else (weights > 0).sum(1)
    return LossTerm.over((cells * weights).sum(1) / torch.where(mass > 0, mass, 1), mass > 0)
