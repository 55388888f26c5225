"""The ceiling of a relatedness: the classes predicted from the true attributes, and vice versa.

A coupling passes on what one task knows about the other through the table. It has little to offer if a network that
sees the picture predicts the classes better than their true attributes do.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mien.learn.evaluate.metrics import task_metrics
from mien.relatedness.inference import infer
from mien.tasks import Task

Array = NDArray[np.float32]
Metrics = dict[str, float]

CLASSES, ATTRIBUTES, BLIND = "classes from attributes", "attributes from classes", "attributes from nothing"


def posterior(weights: NDArray[np.float64], prior: NDArray[np.float64], values: Array) -> NDArray[np.float64]:
    """Naive Bayes: N x C probabilities of the classes, from N x A true attributes, NaN where one is missing.

    Args:
        weights: C x A in (0, 1), p(attribute | class).
        prior: C, p(class).
        values: N x A, 0, 1 or NaN.
    """
    known, present = ~np.isnan(values), np.nan_to_num(values)
    score = np.log(prior) + present @ np.log(weights).T + (known - present) @ np.log(1 - weights).T
    likelihood = np.exp(score - score.max(1, keepdims=True))
    return np.asarray(likelihood / likelihood.sum(1, keepdims=True))


def ceiling(classes: Task, attributes: Task, index: Array, values: Array, *, times: int = 6) -> Mapping[str, Metrics]:
    """The metrics of three predictions that see no picture, as means over ``times`` x 2-fold cross-validation.

    The table is inferred outside the fold, with a smoothing of 1. Only rows with labels of both tasks are used, outside
    the fold and inside.

    Args:
        classes, attributes: the two tasks.
        index: N class indices, NaN where missing.
        values: N x A, 0, 1 or NaN.
        times: how many times the rows are divided into folds.

    Returns:
        ``classes from attributes``: the posterior given the true attributes (naive Bayes); ``attributes from classes``:
        the table's row of the true class; ``attributes from nothing``: the attributes' rates. Each with the metrics of
        :mod:`mien.learn.evaluate.metrics`.

    Raises:
        ValueError: if fewer than four rows have labels of both tasks.
    """
    both = np.flatnonzero(~np.isnan(index) & (~np.isnan(values)).any(1))
    if len(both) < 4:
        raise ValueError(f"{len(both)} rows have labels of {classes.name} and {attributes.name}; 4 are needed")
    found: dict[str, list[Metrics]] = {CLASSES: [], ATTRIBUTES: [], BLIND: []}
    for time in range(times):
        order = np.random.default_rng([0, time]).permutation(both)
        halves = order[: len(order) // 2], order[len(order) // 2 :]
        for outside, inside in (halves, halves[::-1]):
            table = infer(
                classes, attributes, index[outside], values[outside], smoothing=1.0, source="outside the fold"
            )
            counts = np.bincount(index[outside].astype(int), minlength=len(classes)) + 1.0
            prior, weights = counts / counts.sum(), table.weights.clip(1e-3, 1 - 1e-3)
            truth, shares, known = index[inside].astype(int), np.nan_to_num(values[inside]), ~np.isnan(values[inside])
            rates = np.broadcast_to(prior @ table.weights, shares.shape)
            guess = posterior(weights, prior, values[inside])
            found[CLASSES].append(task_metrics(classes, guess, truth, np.ones(len(truth), bool)))
            found[ATTRIBUTES].append(task_metrics(attributes, table.weights[truth], shares, known))
            found[BLIND].append(task_metrics(attributes, rates, shares, known))
    return {name: _means(parts) for name, parts in found.items()}


def _means(parts: list[Metrics]) -> Metrics:
    """The means of the metrics that all parts have, without the number of faces."""
    names = set.intersection(*(set(part) for part in parts)) - {"faces"}
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0] if name in names}
