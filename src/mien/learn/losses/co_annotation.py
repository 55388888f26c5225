"""Co-annotation: labels of one task stand in for missing labels of the other (papers/003, section 3.1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from mien.learn.batch import Batch, as_index
from mien.learn.losses.binary_cross_entropy import Normalise, binary_cross_entropy
from mien.learn.losses.coupling import Outputs, check_choices
from mien.learn.losses.cross_entropy import cross_entropy
from mien.learn.losses.tables import weights_of
from mien.learn.losses.term import LossTerm, full_precision, precise
from mien.relatedness.table import Relatedness


@dataclass(frozen=True)
class CoAnnotation:
    """A labelled class switches its attributes on; a full set of attributes names the class.

    - class -> attributes: every attribute that belongs to the labelled class and is not annotated itself
      counts as present, weighted by the annotators' agreement (1 if prototypical), which takes the place of
      delta in eq. 2. With vote shares the class is the one with the most votes.
    - attributes -> class: where no class is labelled and all attributes of a class are annotated as
      present, the sample is labelled with it; of several such classes the one that requires the most.

    Attributes that do not belong to the class stay unlabelled: the paper's footnote 3.

    Minimum: 0, where every implied attribute is predicted with 1 and every implied class with 1.

    Args:
        reweight: weight observational attributes by agreement; otherwise all count 1.
        normalise: what the sum over the implied attributes of a sample is divided by; the paper leaves it open.
            ``weights``: the sum of their weights, so that a sample whose only implied attribute is an observational
            one weighs as any other. ``attributes``: their number, so that such a sample weighs less.

    Raises:
        ValueError: for a value that is none of those named.
    """

    reweight: bool = True
    normalise: Normalise = "weights"

    terms: ClassVar[tuple[str, ...]] = ("co_annotation_attributes", "co_annotation_classes")
    needs_relatedness: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choices(self)

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Relatedness) -> dict[str, LossTerm]:
        """The terms ``co_annotation_attributes`` and ``co_annotation_classes``, counted in samples."""
        class_logits, attribute_logits = precise(outputs[relatedness.classes]), outputs[relatedness.attributes]
        present, mask = batch.labels[relatedness.attributes] > 0.5, batch.mask[relatedness.attributes]
        known_class = batch.mask[relatedness.classes]
        weights = weights_of(relatedness, class_logits, reweight=self.reweight)

        rows = weights[as_index(batch.labels[relatedness.classes])]
        towards_attributes = rows * known_class[:, None] * ~mask
        label, complete = self.implied_class(present & mask, weights_of(relatedness, class_logits, reweight=False))
        return {
            "co_annotation_attributes": binary_cross_entropy(
                attribute_logits, torch.ones_like(attribute_logits), towards_attributes, normalise=self.normalise
            ),
            "co_annotation_classes": cross_entropy(class_logits, label, complete & ~known_class),
        }

    @staticmethod
    def implied_class(present: Tensor, belongs: Tensor) -> tuple[Tensor, Tensor]:
        """The class whose whole set is present and largest: N indices, and N bool, whether there is one.

        Args:
            present: N x A bool, annotated and present.
            belongs: C x A, 1 where the attribute belongs to the class; a class without any is never implied.
        """
        required = belongs.sum(1)
        with full_precision(belongs):  # counts above 256 are not exact in bfloat16
            complete = (present.to(belongs.dtype) @ belongs.T == required) & (required > 0)
        return (complete * required).argmax(1), complete.any(1)
