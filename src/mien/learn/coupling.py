"""The couplings for your own PyTorch training loop, in three lines (papers/003, section 3.1.2; papers/002)."""

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

SHARE_TOLERANCE = 0.01
"""How far from 1 the sum of a sample's vote shares may be; bfloat16 is that coarse."""

Table = Relatedness | Tensor | NDArray[Any] | Sequence[Sequence[float]]


@dataclass(frozen=True, eq=False)
class Coupling:
    """The coupling losses for one pair of tasks, classes and attributes, that share a network.

    It has no parameters and does not depend on pictures, networks or trainers. For several pairs, create one object per
    pair and add the losses. Eq. 1 of the papers adds every term with weight 1.

    Args:
        relatedness: a :class:`~mien.relatedness.table.Relatedness`, or p(attribute | class) as C x A numbers in [0, 1],
            0 where the attribute does not belong to the class. Do not change it afterwards.
        matching: distribution matching: the reading (``kl``, ``as_printed``, ``soft_target``), a
            :class:`~mien.learn.losses.DistributionMatching` with its options, or None to skip it.
        co_annotation: soft co-annotation: the reading, or a :class:`~mien.learn.losses.SoftCoAnnotation` with its
            options; ``hard`` or a :class:`~mien.learn.losses.CoAnnotation` for co-annotation with labels; None to skip
            it.
        weights: lambdas by term name (``distribution_matching``, ``soft_co_annotation``,
            ``co_annotation_attributes``, ``co_annotation_classes``); 1 for terms that are not listed.

    Raises:
        ValueError: naming the invalid argument.

    Example:
        >>> couple = Coupling([[1.0, 0.0, 0.2], [0.0, 0.4, 0.7]])  # shirt, coat; collar, hood, buttons
        >>> loss = couple(torch.randn(4, 2), torch.randn(4, 3), classes=torch.tensor([0, 1, -1, 0]))
    """

    relatedness: Table
    matching: Reading | DistributionMatching | None = "kl"
    co_annotation: Reading | Literal["hard"] | SoftCoAnnotation | CoAnnotation | None = "soft_target"
    weights: Mapping[str, float] = field(default_factory=dict)

    table: Relatedness = field(init=False, repr=False)
    couplings: tuple[CouplingLoss, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        table = self.relatedness if isinstance(self.relatedness, Relatedness) else _relatedness(self.relatedness)
        couplings = [*_matching_losses(self.matching), *_co_annotation_losses(self.co_annotation)]
        names = [name for coupling in couplings for name in coupling.terms]
        for name, weight in self.weights.items():
            if name not in names:
                raise ValueError(f"weights: unknown term {name}; known: {', '.join(names) or 'none'}")
            if not 0 <= weight < float("inf"):
                raise ValueError(f"weights: {name} must be 0 or more and finite, not {weight}")
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
        """Return the weighted sum of the terms' means over this batch, a scalar to add to your loss.

        It is finite and attached to both logits, even if nothing is labelled. With several processes, the mean of the
        processes' means is not the mean over the whole batch if labels are missing; use :meth:`terms`.

        Args:
            class_logits: N x C, before the softmax.
            attribute_logits: N x A, before the sigmoid.
            classes: N indices, negative where not labelled; or N x C shares that sum to 1, NaN where not labelled;
                None if no sample is labelled.
            attributes: N x A, 0 or 1 (or probabilities); NaN or negative where not annotated; None if none is.
            mask: N x A bool, True where the attribute is annotated; None: derived from ``attributes``.

        Raises:
            ValueError: naming the argument that is not a tensor, has the wrong shape, or holds invalid labels.
        """
        terms = self.terms(class_logits, attribute_logits, classes=classes, attributes=attributes, mask=mask)
        loss = class_logits[:0].sum() + attribute_logits[:0].sum()  # a zero attached to both logits
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
        """Return the unweighted terms as sums and counts, for logging or for summing over processes.

        Args:
            class_logits, attribute_logits, classes, attributes, mask: as in :meth:`__call__`.
        """
        table, n = self.table, len(class_logits)
        shape = (n, len(table.class_labels)), (n, len(table.attribute_labels))
        _check_shape("class_logits", class_logits, shape[0])
        _check_shape("attribute_logits", attribute_logits, shape[1])
        class_labels, known_class = _class_labels(classes, class_logits)
        attribute_labels, known = _attribute_labels(attributes, mask, attribute_logits)
        batch = Batch(
            class_logits,
            {table.classes: class_labels, table.attributes: attribute_labels},
            {table.classes: known_class, table.attributes: known},
        )
        outputs = {table.classes: class_logits, table.attributes: attribute_logits}
        return {name: term for coupling in self.couplings for name, term in coupling(outputs, batch, table).items()}


def _check_shape(name: str, given: Tensor, *shapes: tuple[int, ...]) -> None:
    if not isinstance(given, Tensor):
        raise ValueError(f"{name}: expected a tensor, not {type(given).__name__}")
    if tuple(given.shape) not in shapes:
        wanted = " or ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise ValueError(f"{name}: shape {' x '.join(map(str, given.shape))}, expected {wanted}")


def _class_labels(classes: Tensor | None, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Labels that are finite everywhere, and N bool, True where labelled."""
    if classes is None:
        classes = torch.full((len(logits),), -1, device=logits.device)
    _check_shape("classes", classes, (len(logits),), tuple(logits.shape))
    if classes.ndim == 1:
        if classes.is_floating_point() or classes.dtype is torch.bool:
            raise ValueError(f"classes: indices must be integers, not {classes.dtype}")
        indices = classes.long()
        if (indices >= logits.shape[1]).any():
            raise ValueError(f"classes: index {int(indices.max())} is out of range for {logits.shape[1]} classes")
        return indices.clamp(min=0), indices >= 0
    known = ~classes.isnan().any(1)
    shares = torch.where(known[:, None], classes, 0).to(_compute_dtype(logits))
    if (known & ((shares < 0).any(1) | ((shares.sum(1) - 1).abs() > SHARE_TOLERANCE))).any():
        raise ValueError("classes: the shares of a sample must be 0 or more and sum to 1; use NaN where not labelled")
    return shares, known


def _attribute_labels(attributes: Tensor | None, mask: Tensor | None, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Labels that are finite everywhere, and N x A bool, True where annotated."""
    if attributes is None:
        if mask is not None:
            raise ValueError("mask: given without attributes")
        attributes = torch.full_like(logits, -1)
    _check_shape("attributes", attributes, tuple(logits.shape))
    labels = attributes.to(_compute_dtype(logits))
    known = labels >= 0  # False for NaN
    if mask is not None:
        _check_shape("mask", mask, tuple(logits.shape))
        if mask.dtype is not torch.bool:
            raise ValueError(f"mask: expected bool, not {mask.dtype}")
        known = known & mask
    if (wrong := known & (labels > 1)).any():
        raise ValueError(f"attributes: {labels[wrong][0]:g} is above 1; use NaN where not annotated")
    return torch.where(known, labels, 0), known


def _compute_dtype(logits: Tensor) -> torch.dtype:
    """The floating-point type in which the couplings compute."""
    return torch.promote_types(logits.dtype, torch.float32)


def _relatedness(numbers: Any) -> Relatedness:
    """A plain table of p(attribute | class), with numbers as labels."""
    if isinstance(numbers, str | Path):
        raise ValueError(f"relatedness: {numbers} is not a table; use Relatedness.load(file) or NAMED[name]")
    if isinstance(numbers, Tensor):
        numbers = numbers.detach().cpu().double().numpy()
    try:
        weights = np.array(numbers, np.float64)
    except (TypeError, ValueError):
        raise ValueError("relatedness: expected one row of numbers per class, all of the same length") from None
    if weights.ndim != 2:
        raise ValueError(f"relatedness: expected 2 dimensions, classes x attributes, not {weights.ndim}")
    rows, columns = (tuple(map(str, range(size))) for size in weights.shape)
    return Relatedness("classes", "attributes", rows, columns, weights, weights == 1, "given as numbers")


def _matching_losses(option: object) -> list[CouplingLoss]:
    if option is None:
        return []
    if isinstance(option, DistributionMatching):
        return [option]
    if option in get_args(Reading):
        return [DistributionMatching(option)]  # type: ignore[arg-type]
    known = ", ".join(get_args(Reading))
    raise ValueError(f"matching: expected {known}, a DistributionMatching or None, not {option!r}")


def _co_annotation_losses(option: object) -> list[CouplingLoss]:
    if option is None:
        return []
    if isinstance(option, CoAnnotation | SoftCoAnnotation):
        return [option]
    if option == "hard":
        return [CoAnnotation()]
    if option in get_args(Reading):
        return [SoftCoAnnotation(option)]  # type: ignore[arg-type]
    known = ", ".join((*get_args(Reading), "hard"))
    raise ValueError(f"co_annotation: expected {known}, a SoftCoAnnotation, a CoAnnotation or None, not {option!r}")
