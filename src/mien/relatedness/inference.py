"""Relatedness inferred from labels (papers/002, "Beyond Affective Computing"; papers/003, section 3.2.1).

:func:`infer` counts p(attribute | class). :func:`informativeness` and :func:`distinctiveness` measure how much the
attributes of a table reveal about the class, and its classes about the attributes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.relatedness.table import Relatedness
from mien.tasks import Kind, Task


def infer(
    classes: Task,
    attributes: Task,
    class_index: ArrayLike,
    attribute_values: ArrayLike,
    *,
    smoothing: float = 0.0,
    minimum_support: int = 1,
    prototypical: float | None = None,
    source: str,
) -> Relatedness:
    """Count how often each attribute occurs with each class in rows that are labelled for both.

    papers/002 (unnumbered): p(a | c) = images with both a and c / images with c. Here n_ca is the number of rows of
    class c in which attribute a is annotated, k_ca the sum of its values there (with values 0 and 1, the number of rows
    in which it is present; with shares, the expected number), and r_a = sum_c k_ca / sum_c n_ca its overall rate:

        weight_ca = (k_ca + smoothing * r_a) / (n_ca + smoothing)        if n_ca >= minimum_support
        weight_ca = r_a                                                  otherwise

    Departures: missing cells are excluded from numerator and denominator (the paper's data are complete), and there is
    smoothing, which acts like this many additional rows per class. It pulls towards the attribute's overall rate, not
    towards 1/2: most attributes are rare, and a class with few rows must not be assumed to have half of them. A cell
    with low support gets the overall rate for the same reason; ``support`` contains n_ca. An attribute that no row is
    annotated for has weight 0 and support 0 throughout, like those that a printed table does not mention.

    Args:
        classes: the task of the rows of the table, C labels.
        attributes: the task of its columns, A labels.
        class_index: N indices, -1 or NaN where missing; or N x C shares of votes, of which the largest counts (the
            first if equal), missing where one is NaN or none is above 0.
        attribute_values: N x A in [0, 1], NaN where missing.
        smoothing: >= 0, in rows; 0 gives the paper's fractions.
        minimum_support: >= 1, the number of rows that a cell needs.
        prototypical: in (0, 1]; cells with enough support whose weight reaches it become prototypical, with weight 1.
            None: no cell is.
        source: where the labels come from.

    Returns:
        The table. Memory grows with C x A and the inputs, never with N x C.

    Raises:
        ValueError: for another kind of task, shape, index or value (with its row), a setting out of range, or if
            no row is annotated for both.

    Example:
        >>> from mien.tasks import Kind, Task
        >>> kind = Task("kind", Kind.CLASSES, ("boot", "sandal"), ("", ""))
        >>> parts = Task("parts", Kind.ATTRIBUTES, ("laces", "strap"), ("", ""))
        >>> infer(kind, parts, [0, 0, 1], [[1, 0], [0, 0], [0, 1]], source="three shoes").weights.tolist()
        [[0.5, 0.0], [0.0, 1.0]]
    """
    _check_settings(classes, attributes, smoothing, minimum_support, prototypical)
    index = _class_index(classes, np.asarray(class_index))
    values = _attribute_values(attributes, np.asarray(attribute_values), len(index))
    counts, present = _count(index, values, len(classes))
    if not counts.any():
        raise ValueError(f"no row is annotated for both {classes.name} and {attributes.name}")
    rate = present.sum(0) / np.maximum(counts.sum(0), 1)
    weights = (present + smoothing * rate) / np.maximum(counts + smoothing, np.finfo(float).tiny)
    enough = counts >= minimum_support
    weights = np.where(enough, weights, rate).clip(0, 1)  # rounding may leave [0, 1] by 1e-16
    always = enough & (weights >= prototypical) if prototypical is not None else np.zeros(counts.shape, bool)
    weights[always] = 1
    return Relatedness(
        classes.name, attributes.name, classes.labels, attributes.labels, weights, always, source, counts
    )


def _check_settings(
    classes: Task, attributes: Task, smoothing: float, minimum_support: int, prototypical: float | None
) -> None:
    for task, kind in ((classes, Kind.CLASSES), (attributes, Kind.ATTRIBUTES)):
        if task.kind is not kind:
            raise ValueError(f"the task {task.name} has the kind {task.kind.value}, expected {kind.value}")
    if not (np.isfinite(smoothing) and smoothing >= 0):
        raise ValueError(f"smoothing must be 0 or more, not {smoothing:g}")
    if minimum_support < 1:
        raise ValueError(f"minimum_support must be 1 or more, not {minimum_support}")
    if prototypical is not None and not 0 < prototypical <= 1:
        raise ValueError(f"prototypical must be in (0, 1], not {prototypical:g}")


def _count(
    index: NDArray[np.int64], values: NDArray[Any], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """n_ca and k_ca, each C x A."""
    shape = (classes, values.shape[1])
    counts, present = np.zeros(shape, np.int64), np.zeros(shape)
    for column in range(values.shape[1]):  # column by column: no array is larger than the rows
        known = (index >= 0) & ~np.isnan(values[:, column])
        counts[:, column] = np.bincount(index[known], minlength=classes)
        present[:, column] = np.bincount(index[known], values[known, column], minlength=classes)
    return counts, present


def informativeness(relatedness: Relatedness, class_prior: ArrayLike | None = None) -> NDArray[np.float64]:
    """How much each attribute reveals about the class: I(class; attribute), divided by its largest value.

    Ours, not the papers': it weights the attributes in distribution matching, so that those that the class does not
    explain are left alone. With H the entropy of a yes/no variable and p(c) the prior,

        I_a = H(sum_c p(c) w_ca) - sum_c p(c) H(w_ca)

    If classes have few rows, every attribute seems to reveal more than it does; smoothing corrects that.

    Args:
        relatedness: C x A weights, read as p(a | c).
        class_prior: C numbers >= 0, proportional to p(c). None: the table's support, with each attribute's own column
            (so that I_a is the information in the counted rows); without support, all classes are equally likely.

    Returns:
        A numbers in [0, 1]; all 0 if no attribute reveals anything.

    Raises:
        ValueError: if the prior has another shape, is negative, not finite or sums to 0.

    Example:
        >>> from mien.relatedness import DU_2014
        >>> DU_2014.attribute_labels[int(informativeness(DU_2014).argmax())]
        'AU25'
    """
    prior = _prior(relatedness, class_prior)
    weights = relatedness.weights
    information: NDArray[np.float64] = _entropy((prior * weights).sum(0)) - (prior * _entropy(weights)).sum(0)
    information[information < 1e-12] = 0  # attributes that are equal in all classes, up to rounding
    most = float(information.max(initial=0))
    return information / most if most else information


def distinctiveness(relatedness: Relatedness, class_prior: ArrayLike | None = None) -> NDArray[np.float64]:
    """How far the attributes of each class are from the overall rates: sum_a KL(p(a | c) || p(a)), in nats.

    Its mean over the classes, weighted by the prior, is the sum of the mutual information over the attributes.

    Args:
        relatedness, class_prior: the same as for :func:`informativeness`.

    Returns:
        C numbers >= 0; 0 for a class whose attributes have the overall rates. Infinite only for a class of prior 0 with
        an attribute that no other class has.

    Raises:
        ValueError: as :func:`informativeness`.
    """
    prior, weights = _prior(relatedness, class_prior), relatedness.weights
    mean = np.broadcast_to((prior * weights).sum(0).clip(0, 1), weights.shape)
    terms = _kl_term(weights, mean) + _kl_term(1 - weights, 1 - mean)
    return np.asarray(terms.sum(1).clip(0))  # rounding may give -1e-17


def _kl_term(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """p log(p / q); 0 where p is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        term: NDArray[np.float64] = np.where(p > 0, p * np.log(p / q), 0)
    return term


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The entropy of a yes/no variable in nats; 0 at 0 and 1."""
    inside = np.clip(p, np.finfo(float).tiny, 1)
    outside = np.clip(1 - p, np.finfo(float).tiny, 1)
    entropy: NDArray[np.float64] = -(inside * np.log(inside) + outside * np.log(outside))
    return entropy


def _prior(relatedness: Relatedness, given: ArrayLike | None) -> NDArray[np.float64]:
    """C x A; each column sums to 1."""
    shape = relatedness.weights.shape
    if given is not None:
        prior = np.asarray(given, np.float64)
        if prior.shape != shape[:1]:
            raise ValueError(f"class_prior: shape {prior.shape}, expected {shape[:1]}")
        if not (np.isfinite(prior).all() and (prior >= 0).all() and prior.sum() > 0):
            raise ValueError("class_prior must be finite, not negative, and not all 0")
        return np.broadcast_to((prior / prior.sum())[:, None], shape)
    counts = np.ones(shape, np.int64) if relatedness.support is None else relatedness.support
    counts = np.where(counts.any(0), counts, 1)
    return np.asarray(counts / counts.sum(0))


def _class_index(classes: Task, given: NDArray[Any]) -> NDArray[np.int64]:
    """N class indices, -1 where missing."""
    if given.ndim == 2 and given.shape[1] == len(classes):
        shares = given.astype(np.float64)
        missing = np.isnan(shares).any(1) | ~(shares > 0).any(1)
        return np.where(missing, -1, np.nan_to_num(shares).argmax(1))
    if given.ndim != 1:
        raise ValueError(f"{classes.name}: shape {given.shape}, expected N indices or N x {len(classes)} shares")
    index = given.astype(np.float64)
    index = np.where(np.isnan(index), -1, index)
    wrong = (index != np.floor(index)) | (index < -1) | (index >= len(classes))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{classes.name}: row {row} has {given[row]}, expected 0 to {len(classes) - 1}, -1 or NaN")
    return index.astype(np.int64)


def _attribute_values(attributes: Task, given: NDArray[Any], rows: int) -> NDArray[Any]:
    """N x A in [0, 1], NaN where missing."""
    if given.shape != (rows, len(attributes)):
        raise ValueError(f"{attributes.name}: shape {given.shape}, expected {(rows, len(attributes))}")
    values = given if given.dtype.kind == "f" else given.astype(np.float64)
    wrong = (values < 0) | (values > 1)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        label = attributes.labels[column]
        raise ValueError(
            f"{attributes.name}: row {row} has {values[row, column]:g} for {label}, expected 0 to 1 or NaN"
        )
    return values
