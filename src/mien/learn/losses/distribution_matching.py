"""Distribution matching of classes and attributes (papers/003, eq. 3-4; papers/002, eq. 2-3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch.nn.functional import logsigmoid

from mien.learn.batch import Batch
from mien.learn.losses.coupling import Outputs, Reading, as_tensor, divergence
from mien.learn.losses.term import LossTerm
from mien.relatedness import Relatedness


@dataclass(frozen=True)
class DistributionMatching:
    """Match each predicted attribute p with q, the mixture of the table's rows by the predicted classes.

    ``q_i = sum_c p(c | x) p(i | c)`` (eq. 3) for every sample, labelled or not, and then the loss
    between p and q, summed over the attributes (eq. 4).

    Minimum: ``kl`` with both outcomes is 0 exactly where p = q (q clipped, see EPSILON there). ``as_printed``
    with the positive outcome alone is eq. 4 to the letter; in p it is smallest at p = 0 for every
    attribute, so it needs other losses to hold the attributes up. ``soft_target`` with both outcomes is smallest
    in p at p = q.

    Args:
        reading: see :func:`mien.learn.losses.coupling.divergence`.
        outcomes: ``both`` sums over present and absent, a Bernoulli distribution for each attribute;
            ``positive`` over present alone, as printed.
        reweight: ``p(i | c)`` is the table's weight, a variant in papers/003's footnote 4, rather than 1 for every
            attribute that belongs to the class, as its eq. 3 has it. Departure: it is the default, since a table of
            frequencies says more than one of zeros and ones.
        stop_gradient: which side is a fixed target: ``none`` (the papers), ``classes`` or ``attributes``.
    """

    reading: Reading = "kl"
    outcomes: Literal["both", "positive"] = "both"
    reweight: bool = True
    stop_gradient: Literal["none", "classes", "attributes"] = "none"

    terms: ClassVar[tuple[str, ...]] = ("distribution_matching",)

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Relatedness) -> dict[str, LossTerm]:  # noqa: ARG002
        """The term ``distribution_matching``: sum over all N samples, labelled or not, and N."""
        class_logits, attribute_logits = outputs[relatedness.classes].float(), outputs[relatedness.attributes].float()
        table = as_tensor(relatedness.weights if self.reweight else relatedness.belongs, class_logits)
        q = class_logits.softmax(1) @ table
        if self.stop_gradient == "classes":
            q = q.detach()
        if self.stop_gradient == "attributes":
            attribute_logits = attribute_logits.detach()
        loss = divergence(logsigmoid(attribute_logits), q, self.reading)
        if self.outcomes == "both":
            loss = loss + divergence(logsigmoid(-attribute_logits), 1 - q, self.reading)
        return {"distribution_matching": LossTerm(loss.sum(), loss.new_tensor(len(loss)))}
