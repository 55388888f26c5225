"""Soft co-annotation of classes from attribute labels (papers/003, eq. 5-7; papers/002, eq. 4-6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses.coupling import Outputs, Reading, divergence
from mien.learn.losses.tensor_cache import table_weights
from mien.learn.losses.term import LossTerm, full_precision, precise
from mien.relatedness.table import Relatedness
from mien.spelling import check_choices


@dataclass(frozen=True)
class SoftCoAnnotation:
    """Match the predicted classes with a soft label computed from the sample's annotated attributes.

    ``I(c) = sum_i w_ci y_i / sum_i w_ci`` over the annotated attributes i (eq. 5; a missing attribute is in neither
    sum), ``q = softmax(I / temperature)`` (eq. 6), and the loss between prediction p and q, summed over the classes
    (eq. 7). Samples without an annotated attribute that belongs to any class are skipped.

    Minimum: ``kl`` is 0 exactly where p = q; ``soft_target`` is minimal at p = q, where it is the entropy of q;
    ``as_printed`` puts all of p on the class with the largest q.

    q is computed from labels alone, so only the classes move, and q has no gradient to stop. Classes are mutually
    exclusive and eq. 7 sums over all of them, so there is no equivalent of distribution matching's ``outcomes``.

    Departure: the papers do not define I for a class without (annotated) attributes, such as neutral: eq. 5 is then
    0 / 0. See ``empty``.

    Our own addition is ``evidence: likelihood``, ``I(c) = sum_i y_i log w_ci + (1 - y_i) log (1 - w_ci)`` over the
    annotated attributes, so that q is the posterior of a naive Bayes classifier with a uniform prior. Eq. 5 averages,
    so it hardly separates the classes if w are frequencies: their I differ by less than 1. Here absent attributes are
    evidence too.

    Args:
        reading: see :func:`mien.learn.losses.coupling.divergence`.
        reweight: w is the table's weight; otherwise 1 for every attribute that belongs to the class.
        empty: the treatment of a class without annotated attributes. ``zero``: I = 0, no evidence for it. ``absence``:
            I is the share of the annotated attributes that are absent, which suits neutral. ``exclude``: the class is
            skipped; p and q are taken over the other classes, and its logit gets no gradient.
        temperature: temperature of the softmax of eq. 6, above 0; 1 in the papers. I is in [0, 1], so at 1 no class can
            be more than e times as likely as another; a lower temperature sharpens q.
        evidence: ``indicator`` (the papers) or ``likelihood``, under which every class has evidence, so that ``empty``
            does not matter.
        noise: ``likelihood`` clips w to [noise, 1 - noise]: how often an annotation contradicts a table of 0 and 1.

    Raises:
        ValueError: for an unknown choice, a temperature that is not positive, or a noise outside (0, 1/2).

    Example:
        >>> coupling = SoftCoAnnotation("kl", empty="absence", temperature=0.5)
        >>> coupling.terms
        ('soft_co_annotation',)
    """

    reading: Reading = "soft_target"
    reweight: bool = True
    empty: Literal["zero", "absence", "exclude"] = "zero"
    temperature: float = 1.0
    evidence: Literal["indicator", "likelihood"] = "indicator"
    noise: float = 0.02

    terms: ClassVar[tuple[str, ...]] = ("soft_co_annotation",)
    needs_relatedness: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choices(self)
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"SoftCoAnnotation: temperature must be above 0 and finite, not {self.temperature}")
        if not 0 < self.noise < 0.5:
            raise ValueError(f"SoftCoAnnotation: noise must be in (0, 1/2), not {self.noise}")

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Relatedness) -> dict[str, LossTerm]:
        """Return the term ``soft_co_annotation``: the sum over samples with annotated attributes, and their number."""
        logits = precise(outputs[relatedness.classes])
        labels, mask = batch.labels[relatedness.attributes], batch.mask[relatedness.attributes]
        weights = table_weights(relatedness, logits, reweight=self.reweight)
        with full_precision(logits):
            score, informed = self._score(labels, mask, weights)
        score = score / self.temperature
        if self.empty == "exclude":
            lowest = torch.finfo(logits.dtype).min  # a probability of 0 with a finite logarithm
            score, logits = (side.masked_fill(~informed, lowest) for side in (score, logits))
        log_q = score.log_softmax(1)
        loss = divergence(logits.log_softmax(1), log_q.exp(), self.reading, log_q).sum(1)
        return {"soft_co_annotation": LossTerm.over(loss, informed.any(1))}

    def _score(self, labels: Tensor, mask: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        score = self.indicator if self.evidence == "indicator" else self.likelihood
        return score(labels, mask, weights)

    def indicator(self, labels: Tensor, mask: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """I of eq. 5, N x C in [0, 1]; and N x C bool, whether any attribute of the class is annotated.

        Args:
            labels: N x A, 0 or 1 (or probabilities); any finite value where the mask is False.
            mask: N x A bool.
            weights: C x A.
        """
        known = mask.to(weights.dtype)
        mass, present = known @ weights.T, (labels * known) @ weights.T
        score = present / torch.where(mass > 0, mass, 1)
        if self.empty == "absence":
            absent = ((1 - labels) * known).sum(1, keepdim=True) / known.sum(1, keepdim=True).clamp(min=1)
            score = torch.where(mass > 0, score, absent)
        return score, mass > 0

    def likelihood(self, labels: Tensor, mask: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Log-likelihood of the annotated attributes under each class, N x C; and N x C bool, whether any is annotated.

        Args:
            labels, mask, weights: as for :meth:`indicator`.
        """
        known, clipped = mask.to(weights.dtype), weights.clamp(self.noise, 1 - self.noise)
        present, absent = labels * known, (1 - labels) * known
        score = present @ clipped.log().T + absent @ (1 - clipped).log().T
        belongs = (mask & (weights > 0).any(0)).any(1, keepdim=True)
        return score, belongs.expand_as(score)
