"""The margins of CAF in the losses of pytorch-metric-learning ("DML with adaptive margin" of papers/001).

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
"""Where each loss keeps its margin."""


def class_margin(embeddings: Tensor, labels: Tensor, margin: Margin, epoch: int) -> float | None:
    """The mean over the classes of the margin between a class, as the strong group, and the rest, as the weak one.

    Of two classes the greater label alone is the strong group: with labels 1 (strong) and 0 (weak) it is the margin of
    papers/001. Classes with one sample are in the rest of the others but have no margin of their own; of two, the one
    that has more is then the strong group. Where the margin gives one for each strong sample it is their mean.

    Args:
        embeddings: N x d.
        labels: N.
        margin: any of :mod:`mien.learn.caf.margin`.
        epoch: passes over the training set so far.

    Returns:
        None where there is one class, or none with two samples.
    """
    counts = Counter(labels.tolist())
    several = sorted(c for c, count in counts.items() if count > 1)
    if len(counts) < 2 or not several:
        return None
    strong = several[-1:] if len(counts) == 2 else several
    margins = [margin.between(embeddings[labels == c], embeddings[labels != c], epoch).mean() for c in strong]
    return torch.stack(margins).mean().item()


class WithMargin(nn.Module):
    """A loss of pytorch-metric-learning whose margin is found anew for each batch: see :func:`class_margin`.

    The margin is a number, so nothing flows back through it. It is that of the embeddings as the loss compares them,
    which are of length 1 unless its distance has ``normalize_embeddings=False``. After a call it stands in the loss,
    where the library's records find it. A batch without a margin gets the one that the loss was made with. Of several
    ranks each goes by its own rows.

    Mind the unit. papers/001 subtracts D^2 from alpha; the library's default is D, and between vectors of length 1 D is
    at most 2 and D^2 at most 4. With ``LpDistance(power=2)`` the loss compares squares as the paper does. With the
    default a ``neg_margin`` above 2 is out of reach: every pair of two classes is pushed apart. ``scale`` turns alpha,
    which is in nats, into the unit of the distance. The paper does not say what it did.

    Args:
        loss: a ``ContrastiveLoss`` (its ``neg_margin``), ``TripletMarginLoss`` or ``MarginLoss`` (their ``margin``).
        margin: any of :mod:`mien.learn.caf.margin`.
        scale: factor of the margin.

    Raises:
        TypeError: for another loss: margins of other kinds are angles, or are read once.
        ValueError: if scale is not positive.
    """

    def __init__(
        self, loss: ContrastiveLoss | TripletMarginLoss | MarginLoss, margin: Margin, *, scale: float = 1.0
    ) -> None:
        super().__init__()
        found = [name for kind, name in MARGINS.items() if isinstance(loss, kind)]
        if not found:
            known = ", ".join(kind.__name__ for kind in MARGINS)
            raise TypeError(f"{type(loss).__name__} has no margin that a batch may set: take {known}")
        if not 0 < scale < math.inf:
            raise ValueError(f"WithMargin: scale is above 0, not {scale}")
        self.loss, self.margin, self.scale = loss, margin, scale
        self.name = found[0]
        self.own: float = getattr(loss, self.name)

    def forward(
        self, embeddings: Tensor, labels: Tensor, indices_tuple: tuple[Tensor, ...] | None = None, epoch: int = 0
    ) -> Tensor:
        """The loss of the batch, a scalar.

        Args:
            embeddings: N x d.
            labels: N: classes; or the groups, 1 or True for strong and 0 or False for weak.
            indices_tuple: the pairs or triplets of a miner; they do not change the margin.
            epoch: passes over the training set so far; a :class:`mien.learn.caf.margin.LinearMargin` goes by it.
        """
        labels = labels.to(embeddings.device, torch.int64)
        with torch.no_grad():
            compared = self.loss.distance.maybe_normalize(embeddings.float())
            alpha = class_margin(compared, labels, self.margin, epoch)
        setattr(self.loss, self.name, self.own if alpha is None else self.scale * alpha)
        value: Tensor = self.loss(embeddings, labels, indices_tuple)
        return value
