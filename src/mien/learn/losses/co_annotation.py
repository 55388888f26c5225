"""Co-annotation: labels of one task fill in missing labels of the other (papers/003, section 3.1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from mien.learn.batch import Batch, as_index
from mien.learn.losses.binary_cross_entropy import Normalise, binary_cross_entropy
from mien.learn.losses.coupling import Outputs
from mien.learn.losses.cross_entropy import cross_entropy
from mien.learn.losses.tensor_cache import table_weights
from mien.learn.losses.term import LossTerm, full_precision, precise
from mien.relatedness.table import Relatedness
from mien.spelling import check_choices


@dataclass(frozen=True)
class CoAnnotation:
    """A labelled class annotates its attributes, and a full set of attributes annotates its class.

    - class -> attributes: every attribute that belongs to the labelled class and is not annotated itself counts as
      present. Its weight, which replaces delta in eq. 2, is the annotators' agreement (1 if prototypical). With vote
      shares, the class is the one with the most votes.
    - attributes -> class: if no class is labelled and all attributes of a class are annotated as present, the sample is
      labelled with this class; among several such classes, with the one that requires the most attributes.

    Attributes that do not belong to the class stay unlabelled, as in the paper's footnote 3.

    Minimum: 0, where every implied attribute and every implied class is predicted with probability 1.

    Args:
        reweight: weight observational attributes by agreement; otherwise all have weight 1.
        normalise: the divisor of the sum over a sample's implied attributes; the paper does not say. ``weights``: the
            sum of their weights, so that a sample whose only implied attribute is observational counts as much as any
            other. ``attributes``: their number, so that such a sample counts less.

    Raises:
        ValueError: for an unknown choice.

    Example:
        >>> from mien.relatedness import DU_2014
        >>> belongs = torch.tensor(DU_2014.belongs, dtype=torch.float32)
        >>> smile = torch.tensor([[label in ("AU06", "AU12", "AU25") for label in DU_2014.attribute_labels]])
        >>> index, implied = CoAnnotation.implied_class(smile, belongs)
        >>> DU_2014.class_labels[index]
        'happiness'
    """

    reweight: bool = True
    normalise: Normalise = "weights"

    terms: ClassVar[tuple[str, ...]] = ("co_annotation_attributes", "co_annotation_classes")
    needs_relatedness: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choices(self)

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Relatedness) -> dict[str, LossTerm]:
        """Return the terms ``co_annotation_attributes`` and ``co_annotation_classes``, counted in samples."""
        class_logits, attribute_logits = precise(outputs[relatedness.classes]), outputs[relatedness.attributes]
        present, mask = batch.labels[relatedness.attributes] > 0.5, batch.mask[relatedness.attributes]
        known_class = batch.mask[relatedness.classes]
        weights = table_weights(relatedness, class_logits, reweight=self.reweight)

        rows = weights[as_index(batch.labels[relatedness.classes])]
        towards_attributes = rows * known_class[:, None] * ~mask
        label, complete = self.implied_class(present & mask, table_weights(relatedness, class_logits, reweight=False))
        return {
            "co_annotation_attributes": binary_cross_entropy(
                attribute_logits, torch.ones_like(attribute_logits), towards_attributes, normalise=self.normalise
            ),
            "co_annotation_classes": cross_entropy(class_logits, label, complete & ~known_class),
        }

    @staticmethod
    def implied_class(present: Tensor, belongs: Tensor) -> tuple[Tensor, Tensor]:
        """The class with the most attributes, all of them present: N indices, and N bool, True where there is one.

        Args:
            present: N x A bool, annotated and present.
            belongs: C x A, 1 where the attribute belongs to the class; a class without attributes is never implied.
        """
        required = belongs.sum(1)
        with full_precision(belongs):  # bfloat16 rounds counts above 256
            complete = (present.to(belongs.dtype) @ belongs.T == required) & (required > 0)
        return (complete * required).argmax(1), complete.any(1)
