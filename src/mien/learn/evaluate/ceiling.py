"""How much a relatedness can say: the true classes told from the true attributes, and the other way round.

A coupling passes on what one task knows of the other, by way of the table. It has nothing to give where a network
that looks at the picture tells the classes better than their true attributes do.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mien.learn.evaluate.metrics import of_attributes, of_classes
from mien.relatedness.inference import infer
from mien.tasks import Task

Array = NDArray[np.float32]
Figures = dict[str, float]

CLASSES, ATTRIBUTES, BLIND = "classes from attributes", "attributes from classes", "attributes from nothing"


def posterior(weights: NDArray[np.float64], prior: NDArray[np.float64], values: Array) -> NDArray[np.float64]:
    """Naive Bayes: N x C probabilities of the classes, from N x A true attributes with NaN where one is missing.

    Args:
        weights: C x A in (0, 1), p(attribute | class).
        prior: C, p(class).
        values: N x A, 0, 1 or NaN.
    """
    known, present = ~np.isnan(values), np.nan_to_num(values)
    score = np.log(prior) + present @ np.log(weights).T + (known - present) @ np.log(1 - weights).T
    likelihood = np.exp(score - score.max(1, keepdims=True))
    return np.asarray(likelihood / likelihood.sum(1, keepdims=True))


def ceiling(
    classes: Task, attributes: Task, index: Array, values: Array, *, times: int = 6, seed: int = 0
) -> Mapping[str, Figures]:
    """Figures of three predictions that see no picture, as means over ``times`` x 2-fold cross-validation.

    The table is inferred outside the fold, with a smoothing of 1, from rows that are labelled for both tasks; judged
    are such rows of the fold.

    Args:
        classes, attributes: the two tasks.
        index: N class indices, NaN where there is none.
        values: N x A, 0, 1 or NaN.
        times: how often the rows are divided anew.
        seed: of the divisions.

    Returns:
        ``classes from attributes``: the posterior of the true attributes (naive Bayes); ``attributes from classes``:
        the table's row of the true class; ``attributes from nothing``: their rates. Each with the figures of
        :mod:`mien.learn.evaluate.metrics`.

    Raises:
        ValueError: if fewer than four rows are labelled for both tasks.
    """
    both = np.flatnonzero(~np.isnan(index) & (~np.isnan(values)).any(1))
    if len(both) < 4:
        raise ValueError(f"{len(both)} rows are labelled for {classes.name} and {attributes.name}; 4 are needed")
    found: dict[str, list[Figures]] = {CLASSES: [], ATTRIBUTES: [], BLIND: []}
    for time in range(times):
        order = np.random.default_rng([seed, time]).permutation(both)
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        for outside, inside in (halves, halves[::-1]):
            table = infer(
                classes, attributes, index[outside], values[outside], smoothing=1.0, source="outside the fold"
            )
            counts = np.bincount(index[outside].astype(int), minlength=len(classes)) + 1.0
            weights = table.weights.clip(1e-3, 1 - 1e-3)
            truth, known = index[inside].astype(int), ~np.isnan(values[inside])
            shares = np.nan_to_num(values[inside])
            rates = np.broadcast_to((counts / counts.sum()) @ table.weights, shares.shape)
            found[CLASSES].append(
                of_classes(posterior(weights, counts / counts.sum(), values[inside]), truth, classes.labels)
            )
            found[ATTRIBUTES].append(of_attributes(table.weights[truth], shares, known, attributes.labels))
            found[BLIND].append(of_attributes(rates, shares, known, attributes.labels))
    return {name: _means(parts) for name, parts in found.items()}


def _means(parts: list[Figures]) -> Figures:
    names = set.intersection(*(set(part) for part in parts))
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0] if name in names}
