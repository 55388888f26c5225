"""CAF's margins in the losses of pytorch-metric-learning ("DML with adaptive margin" of papers/001).

Needs the extra ``metric``.
"""

from __future__ import annotations

import math
from collections import Counter

import torch
from pytorch_metric_learning.losses import ContrastiveLoss, MarginLoss, TripletMarginLoss
from torch import Tensor, nn

from mien.learn.caf.margin import Margin

MARGINS = {ContrastiveLoss: "neg_margin", TripletMarginLoss: "margin", MarginLoss: "margin"}
"""The attribute in which each loss keeps its margin."""


def class_margin(embeddings: Tensor, labels: Tensor, margin: Margin, epoch: int) -> float | None:
    """The mean over the classes of the margin between a class, as the strong group, and all others, as the weak group.

    With two classes, only the greater label is the strong group: with labels 1 (strong) and 0 (weak), it is the margin
    of papers/001. A class with one sample counts among the others of the other classes but has no margin of its own; if
    there are two classes, the other one is then the strong group. A margin for each strong sample is averaged.

    Args:
        embeddings: N x d.
        labels: N.
        margin: any of :mod:`mien.learn.caf.margin`.
        epoch: passes over the training set so far.

    Returns:
        The margin, or None if there is only one class, or no class with two samples.
    """
    counts = Counter(labels.tolist())
    several = sorted(c for c, count in counts.items() if count > 1)
    if len(counts) < 2 or not several:
        return None
    strong = several[-1:] if len(counts) == 2 else several
    margins = [margin.between(embeddings[labels == c], embeddings[labels != c], epoch).mean() for c in strong]
    return torch.stack(margins).mean().item()


class WithMargin(nn.Module):
    """A loss of pytorch-metric-learning whose margin is recomputed for each batch, see :func:`class_margin`.

    The margin is a number, so no gradient flows through it. It is computed from the embeddings as the loss compares
    them, which have length 1 unless its distance has ``normalize_embeddings=False``. After a call, it is in the loss's
    own attribute, from which the library can record it. A batch without a margin uses the one that the loss was created
    with. With several ranks, each uses its own rows.

    Mind the unit: papers/001 subtracts D^2 from alpha; the library compares D by default, and between vectors of length
    1, D is at most 2 and D^2 at most 4. With ``LpDistance(power=2)``, the loss compares squares as the paper does. With
    the default, a ``neg_margin`` above 2 is out of reach: every pair of two classes is pushed apart. ``scale`` converts
    alpha, which is in nats, to the unit of the distance. The paper does not say which unit it used.

    Args:
        loss: a ``ContrastiveLoss`` (its ``neg_margin``), ``TripletMarginLoss`` or ``MarginLoss`` (their ``margin``).
        margin: any of :mod:`mien.learn.caf.margin`.
        scale: factor of the margin.

    Raises:
        TypeError: for another loss, whose margin is an angle or is read only once.
        ValueError: if ``scale`` is not positive.

    Example:
        >>> from mien.learn.caf.margin import AdaptiveMargin
        >>> loss = WithMargin(TripletMarginLoss(), AdaptiveMargin())
        >>> value = loss(torch.randn(12, 8), torch.arange(12) % 3)
    """

    def __init__(
        self, loss: ContrastiveLoss | TripletMarginLoss | MarginLoss, margin: Margin, *, scale: float = 1.0
    ) -> None:
        super().__init__()
        found = [name for kind, name in MARGINS.items() if isinstance(loss, kind)]
        if not found:
            known = ", ".join(kind.__name__ for kind in MARGINS)
            raise TypeError(f"WithMargin: {type(loss).__name__} has no margin that can be set per batch; use {known}")
        if not 0 < scale < math.inf:
            raise ValueError(f"WithMargin: scale must be above 0, not {scale}")
        self.loss, self.margin, self.scale = loss, margin, scale
        self.name = found[0]
        self.own: float = getattr(loss, self.name)

    def forward(
        self, embeddings: Tensor, labels: Tensor, indices_tuple: tuple[Tensor, ...] | None = None, epoch: int = 0
    ) -> Tensor:
        """Return the loss of the batch, a scalar.

        Args:
            embeddings: N x d.
            labels: N: classes; or the groups, 1 or True for strong and 0 or False for weak.
            indices_tuple: the pairs or triplets of a miner; they do not change the margin.
            epoch: passes over the training set so far, for :class:`mien.learn.caf.margin.LinearMargin`.
        """
        labels = labels.to(embeddings.device, torch.int64)
        with torch.no_grad():
            compared = self.loss.distance.maybe_normalize(embeddings.float())
            alpha = class_margin(compared, labels, self.margin, epoch)
        setattr(self.loss, self.name, self.own if alpha is None else self.scale * alpha)
        value: Tensor = self.loss(embeddings, labels, indices_tuple)
        return value
