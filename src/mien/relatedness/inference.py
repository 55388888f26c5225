"""Relatedness inferred from labels (papers/002, "Beyond Affective Computing"; papers/003, section 3.2.1), and measured.

:func:`infer` counts p(attribute | class); :func:`informativeness` and :func:`distinctiveness` say how much a table's
attributes tell about the class, and its classes about the attributes.
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
    """Count how often each attribute goes with each class in rows that are labelled for both.

    papers/002 (unnumbered): p(a | c) = images with both a and c / images with c. Here n_ca is the number of rows of
    class c in which attribute a is annotated, k_ca the sum of its values there (of 0 and 1: how often it is present;
    of shares: how often it is to be expected), and r_a = sum_c k_ca / sum_c n_ca the attribute's overall rate:

        weight_ca = (k_ca + smoothing * r_a) / (n_ca + smoothing)        if n_ca >= minimum_support
        weight_ca = r_a                                                  otherwise

    Departures: a missing cell leaves numerator and denominator, where the paper's data are complete; smoothing, which
    counts as so many more rows of each class. It pulls towards the attribute's overall rate, not towards 1/2: rare
    attributes are the rule, and a class of which little is known must not be said to have half of them. A cell of low
    support says the same, "as everywhere"; ``support`` holds n_ca. An attribute that no row is annotated for
    has weight 0 and support 0 throughout, like those that a printed table does not mention.

    Args:
        classes: the task of the rows of the table, C labels.
        attributes: the task of its columns, A labels.
        class_index: N indices, -1 or NaN where missing; or N x C shares of votes, of which the largest counts (the
            first of equals), missing where one is NaN or none is above 0.
        attribute_values: N x A in [0, 1], NaN where missing.
        smoothing: >= 0, in rows; 0 gives the paper's fractions.
        minimum_support: >= 1, rows that a cell needs.
        prototypical: in (0, 1]; cells with the support whose weight reaches it become prototypical, with weight 1.
            None: no cell does.
        source: where the labels come from.

    Returns:
        The table; memory is that of C x A and the inputs, never of N x C.

    Raises:
        ValueError: for another kind of task, shape, index or value (with its row), a setting out of range, or if
            no row is annotated for both.
    """
    for task, kind in ((classes, Kind.CLASSES), (attributes, Kind.ATTRIBUTES)):
        if task.kind is not kind:
            raise ValueError(f"the task {task.name} holds {task.kind.value}, expected {kind.value}")
    if not (np.isfinite(smoothing) and smoothing >= 0):
        raise ValueError(f"smoothing must be 0 or more, not {smoothing:g}")
    if minimum_support < 1:
        raise ValueError(f"minimum_support must be 1 or more, not {minimum_support}")
    if prototypical is not None and not 0 < prototypical <= 1:
        raise ValueError(f"prototypical must lie in (0, 1], not {prototypical:g}")
    index = _index(classes, np.asarray(class_index))
    values = _values(attributes, np.asarray(attribute_values), len(index))
    shape = (len(classes), len(attributes))
    counts, present = np.zeros(shape, np.int64), np.zeros(shape)
    for column in range(len(attributes)):  # by column: no array is larger than the rows
        known = (index >= 0) & ~np.isnan(values[:, column])
        counts[:, column] = np.bincount(index[known], minlength=len(classes))
        present[:, column] = np.bincount(index[known], values[known, column], minlength=len(classes))
    if not counts.any():
        raise ValueError(f"no row is annotated for both {classes.name} and {attributes.name}")
    rate = present.sum(0) / np.maximum(counts.sum(0), 1)
    weights = (present + smoothing * rate) / np.maximum(counts + smoothing, np.finfo(float).tiny)
    enough = counts >= minimum_support
    weights = np.where(enough, weights, rate).clip(0, 1)  # rounding may leave [0, 1] by 1e-16
    always = enough & (weights >= prototypical) if prototypical is not None else np.zeros(shape, bool)
    weights[always] = 1
    return Relatedness(
        classes.name, attributes.name, classes.labels, attributes.labels, weights, always, source, counts
    )


def informativeness(relatedness: Relatedness, class_prior: ArrayLike | None = None) -> NDArray[np.float64]:
    """How much each attribute tells about the class: I(class; attribute) / the largest over the attributes.

    Ours, not the papers': it weights the attributes in distribution matching, so that those that the class does not
    explain are left alone. With H the entropy of a yes/no variable and p(c) the prior,

        I_a = H(sum_c p(c) w_ca) - sum_c p(c) H(w_ca)

    Where classes have few rows, every attribute seems to tell more than it does; smoothing takes that back.

    Args:
        relatedness: C x A weights, read as p(a | c).
        class_prior: C numbers >= 0 in proportion to p(c). None: the table's support, for each attribute its
            own column (so that I_a is that of the counted rows); without support all classes alike.

    Returns:
        A numbers in [0, 1]; all 0 if no attribute tells anything.

    Raises:
        ValueError: if the prior has another shape, is negative, not finite or sums to 0.
    """
    prior = _prior(relatedness, class_prior)
    weights = relatedness.weights
    told: NDArray[np.float64] = _entropy((prior * weights).sum(0)) - (prior * _entropy(weights)).sum(0)
    told[told < 1e-12] = 0  # attributes that are alike in every class, up to rounding
    most = float(told.max(initial=0))
    return told / most if most else told


def distinctiveness(relatedness: Relatedness, class_prior: ArrayLike | None = None) -> NDArray[np.float64]:
    """How far the attributes of each class are from those of all: sum_a KL(p(a | c) || p(a)), in nats.

    Its mean over the classes, weighted with the prior, is the sum of the mutual information over the attributes.

    Args:
        relatedness, class_prior: as in :func:`informativeness`.

    Returns:
        C numbers >= 0; 0 for a class whose attributes are as everywhere. Infinite only for a class of prior 0 with an
        attribute that no other has.

    Raises:
        ValueError: as :func:`informativeness`.
    """
    prior, weights = _prior(relatedness, class_prior), relatedness.weights
    mean = np.broadcast_to((prior * weights).sum(0).clip(0, 1), weights.shape)
    parts = _kl_part(weights, mean) + _kl_part(1 - weights, 1 - mean)
    return np.asarray(parts.sum(1).clip(0))  # rounding may give -1e-17


def _kl_part(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """p log(p / q), 0 where p is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        part: NDArray[np.float64] = np.where(p > 0, p * np.log(p / q), 0)
    return part


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a yes/no variable, in nats; 0 at 0 and 1."""
    inside = np.clip(p, np.finfo(float).tiny, 1)
    outside = np.clip(1 - p, np.finfo(float).tiny, 1)
    entropy: NDArray[np.float64] = -(inside * np.log(inside) + outside * np.log(outside))
    return entropy


def _prior(relatedness: Relatedness, given: ArrayLike | None) -> NDArray[np.float64]:
    """C x A, each column sums to 1."""
    shape = relatedness.weights.shape
    if given is not None:
        prior = np.asarray(given, np.float64)
        if prior.shape != shape[:1]:
            raise ValueError(f"class_prior: shape {prior.shape}, expected {shape[:1]}")
        if not (np.isfinite(prior).all() and (prior >= 0).all() and prior.sum() > 0):
            raise ValueError("class_prior must be finite, not negative, and not 0 throughout")
        return np.broadcast_to((prior / prior.sum())[:, None], shape)
    counts = np.ones(shape, np.int64) if relatedness.support is None else relatedness.support
    counts = np.where(counts.any(0), counts, 1)
    return np.asarray(counts / counts.sum(0))


def _index(classes: Task, given: NDArray[Any]) -> NDArray[np.int64]:
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


def _values(attributes: Task, given: NDArray[Any], rows: int) -> NDArray[Any]:
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
