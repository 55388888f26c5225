"""Distribution matching of classes and attributes (papers/003, eq. 3-4; papers/002, eq. 2-3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch.nn.functional import logsigmoid

from mien.learn.batch import Batch
from mien.learn.losses.coupling import Outputs, Reading, divergence
from mien.learn.losses.tensor_cache import table_informativeness, table_weights
from mien.learn.losses.term import LossTerm, full_precision, precise
from mien.relatedness.table import Relatedness
from mien.spelling import check_choices


@dataclass(frozen=True)
class DistributionMatching:
    """Match each predicted attribute p_i with q_i, the table's rows averaged over the predicted classes.

    ``q_i = sum_c p(c | x) p(i | c)`` (eq. 3), and then the loss between p_i and q_i, summed over the attributes (eq.
    4), for every sample, labelled or not.

    Minimum over both outcomes: ``kl`` is 0 exactly where p = q (with q clipped, see ``EPSILON``); ``soft_target`` is
    minimal in p at p = q; ``as_printed`` is minimal in p at 1 where q > 1/2, and at 0 elsewhere. Minimum over the
    positive outcome alone: ``as_printed``, which is eq. 4 to the letter, is minimal at p = 0 for every attribute;
    ``kl`` is minimal in p at p = q / e and may be negative; ``soft_target`` is minimal at p = 1. So over the positive
    outcome alone no reading is minimal where p and q agree, and other losses must hold the attributes in place.

    Args:
        reading: see :func:`mien.learn.losses.coupling.divergence`.
        outcomes: ``both`` sums over present and absent, a Bernoulli distribution for each attribute;
            ``positive`` over present alone, as printed.
        reweight: ``p(i | c)`` is the table's weight, the variant of papers/003's footnote 4; otherwise 1 for every
            attribute that belongs to the class, as in eq. 3. Departure: True is the default, because a table of
            frequencies says more than one of zeros and ones.
        stop_gradient: the side that is a fixed target: with ``classes`` only the attributes move, with ``attributes``
            only the classes; ``none``: both move, as in the papers. Departure: the default was chosen by measurement
            (docs/results.md), because with both sides free the classes give way to the attributes.
        attribute_weights: ``equal`` (the papers), or ``informative``: each attribute is weighted by its mutual
            information with the class under the table, scaled so that the largest weight is 1. Ours: the mixture pulls
            attributes that the class does not explain towards their mean, and this weakens the pull.
        cells: ``all`` (the papers), or ``unlabelled``: only attributes without an annotation are matched. Ours: an
            annotated attribute has its own label, while the mixture only knows the mean of its class.

    Raises:
        ValueError: for an unknown choice.

    Example:
        >>> coupling = DistributionMatching("soft_target", stop_gradient="attributes")
        >>> coupling.terms
        ('distribution_matching',)
    """

    reading: Reading = "kl"
    outcomes: Literal["both", "positive"] = "both"
    reweight: bool = True
    stop_gradient: Literal["none", "classes", "attributes"] = "classes"
    attribute_weights: Literal["equal", "informative"] = "equal"
    cells: Literal["all", "unlabelled"] = "all"

    terms: ClassVar[tuple[str, ...]] = ("distribution_matching",)
    needs_relatedness: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choices(self)

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Relatedness) -> dict[str, LossTerm]:
        """Return the term ``distribution_matching``: the sum over all N samples, labelled or not, and N."""
        class_logits, attribute_logits = precise(outputs[relatedness.classes]), precise(outputs[relatedness.attributes])
        if self.stop_gradient == "classes":
            class_logits = class_logits.detach()
        if self.stop_gradient == "attributes":
            attribute_logits = attribute_logits.detach()
        with full_precision(class_logits):
            q = class_logits.softmax(1) @ table_weights(relatedness, class_logits, reweight=self.reweight)
        q = q.clamp(0, 1)  # rounding can leave [0, 1]
        loss = divergence(logsigmoid(attribute_logits), q, self.reading)
        if self.outcomes == "both":
            loss = loss + divergence(logsigmoid(-attribute_logits), 1 - q, self.reading)
        if self.attribute_weights == "informative":
            loss = loss * table_informativeness(relatedness, loss)
        if self.cells == "unlabelled":
            loss = loss * ~batch.mask[relatedness.attributes]
        return {"distribution_matching": LossTerm(loss.sum(), loss.new_tensor(len(loss)))}
