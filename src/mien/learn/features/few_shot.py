"""Predicting new labels from frozen features: a linear probe and the nearest neighbours, on all rows or on a few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from mien.learn.data.manifest.shots import few
from mien.learn.evaluate.metrics import task_metrics
from mien.learn.evaluate.significance import Estimate, estimate
from mien.learn.features.identity_probe import guess, standardised
from mien.tasks import Kind, Task

Array = NDArray[np.floating]

PENALTY = 0.1
"""Ridge's alpha, for rows whose squares sum to 1 on average."""

SHOWN = {
    Kind.CLASSES: ("accuracy", "mean_recall", "f1"),
    Kind.ATTRIBUTES: ("f1", "accuracy"),
    Kind.CONTINUOUS: ("ccc", "pcc", "rmse"),
}
"""The metrics of each kind of task that are reported; see :mod:`mien.learn.evaluate.metrics`."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Features and the labels of one task.

    Args:
        features: N x D, finite.
        labels: N class indices, or N x labels; NaN where missing.
    """

    features: Array
    labels: Array

    def known(self) -> Labelled:
        """The rows with any label."""
        rows = ~np.isnan(self.labels.reshape(len(self.labels), -1)).all(1)
        return Labelled(self.features[rows], self.labels[rows])


@dataclass(frozen=True)
class ProbeResult:
    """The result of one method for one number of shots.

    Args:
        method: ``linear`` or ``knn``.
        shots: the number of training rows, see :func:`probe`; None: all.
        metrics: the metrics by name, over the draws; a single draw has no interval.
    """

    method: str
    shots: int | None
    metrics: dict[str, Estimate]


def probe(
    train: Labelled,
    test: Labelled,
    task: Task,
    *,
    shots: Sequence[int | None] = (None,),
    repeats: int = 10,
    neighbours: int = 5,
    seed: int = 0,
) -> list[ProbeResult]:
    """Evaluate a linear probe and the nearest neighbours for each number of shots.

    The interval is that of Student's t over the draws of the shots: it shows how much the choice of the training rows
    matters, not how the metrics would vary on other evaluation rows. All methods use the same draws, and the rows of a
    smaller number of shots are among those of a larger one.

    Args:
        train: the rows to train on.
        test: the rows to evaluate on.
        task: the task of the labels.
        shots: numbers of random training rows: per class for classification tasks (all rows of a class that has fewer),
            in total for other tasks; None: all rows, once.
        repeats: the number of draws, with the seeds ``seed``, ``seed + 1`` and so on.
        neighbours: k.
        seed: seed of the first draw.

    Raises:
        ValueError: if either side has no labels, or a feature is not finite.
    """
    train, test = train.known(), test.known()
    for side, name in ((train, "train"), (test, "evaluate")):
        if not len(side.labels):
            raise ValueError(f"no rows with a label of {task.name} to {name} on")
        if not np.isfinite(side.features).all():
            raise ValueError("a feature is not finite: the network has diverged")
    results = []
    for number in shots:
        draws = [seed + each for each in range(1 if number is None else repeats)]
        rows = [_drawn(train, task, number, draw) for draw in draws]
        for method in ("linear", "knn"):
            scores = [_scores(method, each, test, task, neighbours) for each in rows]
            estimates = {name: estimate([each[name] for each in scores]) for name in scores[0]}
            results.append(ProbeResult(method, number, {name: each for name, each in estimates.items() if each}))
    return results


def _drawn(train: Labelled, task: Task, shots: int | None, seed: int) -> Labelled:
    if shots is None:
        return train
    counted = train.labels if task.kind is Kind.CLASSES else np.zeros(len(train.labels))
    rows = few(counted, shots, seed)
    return Labelled(train.features[rows], train.labels[rows])


def _scores(method: str, train: Labelled, test: Labelled, task: Task, neighbours: int) -> dict[str, float]:
    if method == "linear":
        outputs = linear(train, test.features, task)
    else:
        outputs = nearest_neighbours(train, test.features, task, neighbours)
    every = task_metrics(task, outputs, np.nan_to_num(test.labels), ~np.isnan(test.labels))
    return {name: every[name] for name in SHOWN[task.kind]}


def linear(train: Labelled, asked: Array, task: Task) -> Array:
    """Logistic regression of classes and of each attribute, ridge regression of each continuous value.

    The features are standardised by the training rows and divided by the square root of their number, and the penalties
    are fixed, as in :func:`mien.learn.features.identity_probe.identity_probe`. If all training rows have the same
    label, it is predicted; without training rows, 0 is.

    Args:
        train: the rows to train on.
        asked: M x D features.
        task: the task of the labels.

    Returns:
        M x labels: 1 for the predicted class or attribute, otherwise 0; or values in [-1, 1].
    """
    if task.kind is Kind.CLASSES:
        return _one_hot(_logistic(train.features, train.labels, asked), task)
    read = _logistic if task.kind is Kind.ATTRIBUTES else _ridge
    return _by_column(train, asked, read)


def nearest_neighbours(train: Labelled, asked: Array, task: Task, neighbours: int = 5) -> Array:
    """The vote of the nearest rows, by the angle between the features; for attributes and values, their mean.

    Args:
        train: the rows to train on.
        asked: M x D features.
        task: the task of the labels.
        neighbours: k; all rows if there are fewer.

    Returns:
        M x labels, as :func:`linear`; for attributes, the share of the neighbours that have it.
    """

    def regressed(known: Array, values: Array, asked: Array) -> Array:
        model = KNeighborsRegressor(min(neighbours, len(known)), metric="cosine")
        found: Array = model.fit(known, values).predict(asked)
        return found

    if task.kind is Kind.CLASSES:
        model = KNeighborsClassifier(min(neighbours, len(train.labels)), metric="cosine")
        return _one_hot(model.fit(train.features, train.labels.astype(int)).predict(asked), task)
    return _by_column(train, asked, regressed)


def _by_column(train: Labelled, asked: Array, read: Callable[[Array, Array, Array], Array]) -> Array:
    """Each label by itself, from the rows that have it."""
    outputs = np.zeros((len(asked), train.labels.shape[1]))
    for column, values in enumerate(train.labels.T):
        known = ~np.isnan(values)
        if known.any():
            outputs[:, column] = read(train.features[known], values[known], asked)
    return outputs


def _logistic(known: Array, labels: Array, asked: Array) -> Array:
    if len(np.unique(labels)) == 1:
        return np.full(len(asked), labels[0])
    return guess(*standardised(known, asked), labels.astype(int)).astype(float)


def _ridge(known: Array, values: Array, asked: Array) -> Array:
    rows, others = standardised(known, asked)
    return np.asarray(Ridge(PENALTY).fit(rows, values).predict(others).clip(-1, 1))


def _one_hot(index: NDArray[np.floating | np.int_], task: Task) -> Array:
    hot: Array = np.eye(len(task))[index.astype(int)]
    return hot
