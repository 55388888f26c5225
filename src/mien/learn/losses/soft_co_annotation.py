"""Soft co-annotation of classes from attribute labels (papers/003, eq. 5-7; papers/002, eq. 4-6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses.coupling import Outputs, Reading, as_tensor, divergence
from mien.learn.losses.term import LossTerm
from mien.relatedness import Relatedness


@dataclass(frozen=True)
class SoftCoAnnotation:
    """Match the predicted classes with a soft label made of the sample's annotated attributes.

    ``I(c) = sum_i w_ci y_i / sum_i w_ci`` over the annotated attributes i (eq. 5): a missing attribute
    leaves both sums. ``q = softmax(I)`` (eq. 6), and the loss between prediction p and q, summed over
    classes (eq. 7). Samples without an
    annotated attribute that belongs to any class take no part.

    Minimum: ``soft_target`` and ``kl`` are smallest at p = q; ``as_printed`` puts all of p on the
    class with the largest q.

    Departure: the papers leave I open for a class with no (annotated) attribute, neutral above all:
    eq. 5 is 0 / 0. See ``empty``.

    Args:
        reading: see :func:`mien.learn.losses.coupling.divergence`.
        reweight: w is the table's weight; otherwise 1 for every attribute that belongs to the class.
        empty: I of a class none of whose attributes is annotated: ``zero`` (no evidence for it), or
            ``absence``, the share of the annotated attributes that are absent, which suits neutral.
    """

    reading: Reading = "soft_target"
    reweight: bool = True
    empty: Literal["zero", "absence"] = "zero"

    terms: ClassVar[tuple[str, ...]] = ("soft_co_annotation",)

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Relatedness) -> dict[str, LossTerm]:
        """The term ``soft_co_annotation``: sum over samples with an annotated attribute, and their number."""
        logits = outputs[relatedness.classes].float()
        labels, mask = batch.labels[relatedness.attributes], batch.mask[relatedness.attributes]
        weights = as_tensor(relatedness.weights if self.reweight else relatedness.belongs, logits)
        q = self.indicator(labels.float(), mask, weights).softmax(1)
        loss = divergence(logits.log_softmax(1), q, self.reading).sum(1)
        return {"soft_co_annotation": LossTerm.over(loss, (mask & (weights > 0).any(0)).any(1))}

    def indicator(self, labels: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
        """I of eq. 5: N x C in [0, 1], from N x A labels and mask and C x A weights."""
        known = mask.float()
        mass = known @ weights.T
        present = (labels * known) @ weights.T
        empty = torch.zeros_like(mass)
        if self.empty == "absence":
            share = ((1 - labels) * known).sum(1, keepdim=True) / known.sum(1, keepdim=True).clamp(min=1)
            empty = share.expand_as(mass)
        return torch.where(mass > 0, present / torch.where(mass > 0, mass, 1.0), empty)
