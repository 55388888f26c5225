"""The couplings in three lines of anybody's PyTorch loop (papers/003, section 3.1.2; papers/002)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses.co_annotation import CoAnnotation
from mien.learn.losses.coupling import CouplingLoss, Reading
from mien.learn.losses.distribution_matching import DistributionMatching
from mien.learn.losses.soft_co_annotation import SoftCoAnnotation
from mien.learn.losses.term import LossTerm
from mien.relatedness.table import Relatedness

ROUNDING = 0.01
"""So far from 1 may the shares of a sample sum up, as they do in bfloat16."""

Table = Relatedness | Tensor | NDArray[Any] | Sequence[Sequence[float]]


@dataclass(frozen=True, eq=False)
class Coupling:
    """Couple one pair of classes and attributes: ``loss = loss + couple(class_logits, attribute_logits, ...)``.

    It holds no parameters and knows nothing of pictures, networks or trainers. For several pairs make one for each and
    add them up. The papers' eq. 1 adds each term with weight 1.

    Args:
        relatedness: a :class:`~mien.relatedness.table.Relatedness`, or p(attribute | class) as C x A numbers in [0, 1]; 0
            where the attribute does not belong to the class. It is kept: do not change it afterwards.
        matching: distribution matching in this reading (``kl``, ``as_printed``, ``soft_target``), or with the options
            of a :class:`~mien.learn.losses.DistributionMatching`, or None for none.
        co_annotation: soft co-annotation in this reading, or ``hard`` for co-annotation with labels, or with the
            options of a :class:`~mien.learn.losses.SoftCoAnnotation` or :class:`~mien.learn.losses.CoAnnotation`, or
            None for none.
        weights: of the terms by name (``distribution_matching``, ``soft_co_annotation``, ``co_annotation_attributes``,
            ``co_annotation_classes``); 1 where left out.

    Raises:
        ValueError: naming the argument that does not fit.
    """

    relatedness: Table
    matching: Reading | DistributionMatching | None = "kl"
    co_annotation: Reading | Literal["hard"] | SoftCoAnnotation | CoAnnotation | None = "soft_target"
    weights: Mapping[str, float] = field(default_factory=dict)

    table: Relatedness = field(init=False, repr=False)
    couplings: tuple[CouplingLoss, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        table = self.relatedness if isinstance(self.relatedness, Relatedness) else _table(self.relatedness)
        couplings = [*_matching(self.matching), *_co_annotation(self.co_annotation)]
        names = [name for coupling in couplings for name in coupling.terms]
        for name, weight in self.weights.items():
            if name not in names:
                raise ValueError(f"weights: there is no term {name} here; known: {', '.join(names) or 'none'}")
            if not 0 <= weight < float("inf"):
                raise ValueError(f"weights: {name} is a number from 0 on, not {weight}")
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "couplings", tuple(couplings))

    def __call__(
        self,
        class_logits: Tensor,
        attribute_logits: Tensor,
        *,
        classes: Tensor | None = None,
        attributes: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The weighted sum of the terms' means over this batch: a scalar to be added to the loss.

        It is attached to both logits and finite, also where nothing is labelled. On several processes the mean of such
        means is not the mean over the whole batch, if labels are missing: see :meth:`terms`.

        Args:
            class_logits: N x C, before the softmax.
            attribute_logits: N x A, before the sigmoid.
            classes: N indices, negative where not labelled; or N x C shares that sum to 1, NaN where not labelled;
                None if no sample is labelled.
            attributes: N x A, 0 or 1 (or probabilities); NaN or negative where not annotated; None if none is.
            mask: N x A, True where the attribute is annotated; None: wherever ``attributes`` says so.

        Raises:
            ValueError: naming the argument that is no tensor, has another shape, or holds what is no label.
        """
        terms = self.terms(class_logits, attribute_logits, classes=classes, attributes=attributes, mask=mask)
        loss = class_logits[:0].sum() + attribute_logits[:0].sum()  # a zero that both logits have a gradient from
        for name, term in terms.items():
            loss = loss + self.weights.get(name, 1.0) * term.mean()
        return loss

    def terms(
        self,
        class_logits: Tensor,
        attribute_logits: Tensor,
        *,
        classes: Tensor | None = None,
        attributes: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> dict[str, LossTerm]:
        """The terms as sums and counts, unweighted: for those who log them, or add them up over processes first.

        Arguments as in :meth:`__call__`.
        """
        table, n = self.table, len(class_logits)
        shape = (n, len(table.class_labels)), (n, len(table.attribute_labels))
        _expect("class_logits", class_logits, shape[0])
        _expect("attribute_logits", attribute_logits, shape[1])
        class_labels, known_class = _classes(classes, class_logits)
        attribute_labels, known = _attributes(attributes, mask, attribute_logits)
        batch = Batch(
            class_logits,
            {table.classes: class_labels, table.attributes: attribute_labels},
            {table.classes: known_class, table.attributes: known},
        )
        outputs = {table.classes: class_logits, table.attributes: attribute_logits}
        return {name: term for coupling in self.couplings for name, term in coupling(outputs, batch, table).items()}


def _expect(name: str, given: Tensor, *shapes: tuple[int, ...]) -> None:
    if not isinstance(given, Tensor):
        raise ValueError(f"{name}: expected a tensor, not {type(given).__name__}")
    if tuple(given.shape) not in shapes:
        wanted = " or ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise ValueError(f"{name}: shape {' x '.join(map(str, given.shape))}, expected {wanted}")


def _classes(classes: Tensor | None, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Labels that are finite everywhere, and N bool, which of them count."""
    if classes is None:
        classes = torch.full((len(logits),), -1, device=logits.device)
    _expect("classes", classes, (len(logits),), tuple(logits.shape))
    if classes.ndim == 1:
        if classes.is_floating_point() or classes.dtype is torch.bool:
            raise ValueError(f"classes: indices are integers, not {classes.dtype}")
        indices = classes.long()
        if (indices >= logits.shape[1]).any():
            raise ValueError(f"classes: index {int(indices.max())}, of {logits.shape[1]} classes counted from 0")
        return indices.clamp(min=0), indices >= 0
    known = ~classes.isnan().any(1)
    shares = torch.where(known[:, None], classes, 0).to(_precision(logits))
    if (known & ((shares < 0).any(1) | ((shares.sum(1) - 1).abs() > ROUNDING))).any():
        raise ValueError("classes: the shares of a sample are not negative and sum to 1; NaN where not labelled")
    return shares, known


def _attributes(attributes: Tensor | None, mask: Tensor | None, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Labels that are finite everywhere, and N x A bool, which of them count."""
    if attributes is None:
        if mask is not None:
            raise ValueError("mask: it says which attributes are annotated, but there are no attributes")
        attributes = torch.full_like(logits, -1)
    _expect("attributes", attributes, tuple(logits.shape))
    labels = attributes.to(_precision(logits))
    known = labels >= 0  # NaN is not
    if mask is not None:
        _expect("mask", mask, tuple(logits.shape))
        if mask.dtype is not torch.bool:
            raise ValueError(f"mask: expected bool, not {mask.dtype}")
        known = known & mask
    if (wrong := known & (labels > 1)).any():
        raise ValueError(f"attributes: {labels[wrong][0]:g} is above 1; NaN or negative where not annotated")
    return torch.where(known, labels, 0), known


def _precision(logits: Tensor) -> torch.dtype:
    """Of the labels: that which the couplings compute in."""
    return torch.promote_types(logits.dtype, torch.float32)


def _table(numbers: Any) -> Relatedness:
    """A plain table of p(attribute | class), with numbers for names."""
    if isinstance(numbers, str | Path):
        raise ValueError(f"relatedness: {numbers} is no table; Relatedness.load reads a file, NAMED has the named")
    if isinstance(numbers, Tensor):
        numbers = numbers.detach().cpu().double().numpy()
    try:
        weights = np.array(numbers, np.float64)
    except (TypeError, ValueError):
        raise ValueError("relatedness: expected rows of numbers, all of one length, one row a class") from None
    if weights.ndim != 2:
        raise ValueError(f"relatedness: a table of classes x attributes has 2 dimensions, not {weights.ndim}")
    rows, columns = (tuple(map(str, range(size))) for size in weights.shape)
    return Relatedness("classes", "attributes", rows, columns, weights, weights == 1, "given as numbers")


def _matching(wanted: object) -> list[CouplingLoss]:
    if wanted is None:
        return []
    if isinstance(wanted, DistributionMatching):
        return [wanted]
    if wanted in get_args(Reading):
        return [DistributionMatching(wanted)]  # type: ignore[arg-type]
    known = ", ".join(get_args(Reading))
    raise ValueError(f"matching: expected {known}, a DistributionMatching or None, not {wanted!r}")


def _co_annotation(wanted: object) -> list[CouplingLoss]:
    if wanted is None:
        return []
    if isinstance(wanted, CoAnnotation | SoftCoAnnotation):
        return [wanted]
    if wanted == "hard":
        return [CoAnnotation()]
    if wanted in get_args(Reading):
        return [SoftCoAnnotation(wanted)]  # type: ignore[arg-type]
    known = ", ".join((*get_args(Reading), "hard"))
    raise ValueError(f"co_annotation: expected {known}, a SoftCoAnnotation, a CoAnnotation or None, not {wanted!r}")
