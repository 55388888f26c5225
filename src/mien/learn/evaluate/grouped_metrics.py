"""Figures from sums over rows: what a figure needs of each row is a few numbers that add up.

So any subset, and any resample, of rows is judged by adding: :mod:`mien.learn.evaluate.bootstrap` multiplies the sums of groups
of rows by how often it drew them. Definitions are those of :mod:`mien.learn.evaluate.metrics`, where scikit-learn counts; tests
hold the two together. A row that was missed counts as an error: its class is wrong, each of its attributes is wrong
in the accuracies and a positive one is overlooked (no false alarm), and its continuous values are 0 with a wrong sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mien.learn.evaluate.predictions import Predictions
from mien.tasks import Kind, Task, groups

Array = NDArray[np.floating]
Table = Any
"""Groups of rows x sums, a sparse array of SciPy."""

CONSTANT = 1e-12
"""A variance below this share of the mean square is rounding: the values are constant."""


def sums(found: Predictions, task: Task, members: NDArray[np.int_], count: int) -> Table:
    """What :func:`metrics` needs, added up over each group of rows; the first column counts labelled rows.

    Args:
        found: N predictions.
        task: one of its tasks.
        members: N, the group of each row.
        count: of the groups.

    Returns:
        ``count`` x K, K depends on the task alone.
    """
    known = found.mask[task.name]
    labelled = np.asarray(known.reshape(len(known), -1).any(1), np.float64)
    of = {Kind.CLASSES: _of_classes, Kind.ATTRIBUTES: _of_attributes, Kind.CONTINUOUS: _of_continuous}[task.kind]
    cells = sparse.hstack([sparse.csr_array(labelled[:, None]), of(found, task)], format="csr")
    picked = sparse.csr_array((np.ones(len(members)), (members, np.arange(len(members)))), (count, len(members)))
    return sparse.csr_array(picked @ cells)


def metrics(task: Task, totals: Array) -> dict[str, Array]:
    """Every figure of a task, by its name, from R totals of :func:`sums`; NaN where it is undefined.

    Args:
        task: whose sums these are.
        totals: R x K.

    Returns:
        for each figure R values; ``faces`` first.
    """
    of = {Kind.CLASSES: _class_figures, Kind.ATTRIBUTES: _attribute_figures, Kind.CONTINUOUS: _continuous_figures}
    return {"faces": totals[:, 0], **of[task.kind](task, totals[:, 1:])}


def _of_classes(found: Predictions, task: Task) -> Table:
    known, truth, guess = found.mask[task.name], found.labels[task.name].astype(int), found.guess(task)
    return sparse.hstack(
        [
            _one_hot(truth, known & (guess == truth), len(task)),
            _one_hot(guess, known & (guess >= 0), len(task)),
            _one_hot(truth, known, len(task)),
        ],
        format="csr",
    )


def _one_hot(column: NDArray[np.int_], where: NDArray[np.bool_], width: int) -> Table:
    rows = np.flatnonzero(where)
    return sparse.csr_array((np.ones(len(rows)), (rows, column[rows])), (len(column), width))


def _class_figures(task: Task, totals: Array) -> dict[str, Array]:
    right, guessed, true = np.split(totals, 3, axis=1)
    accuracy, recall = _ratio(right.sum(1), true.sum(1)), _ratio(right, true)
    each = np.where(true.sum(1, keepdims=True) > 0, _ratio(2 * right, guessed + true, empty=0.0), np.nan)
    present = _mean(np.where(true > 0, each, np.nan))
    f1, mean_recall = _mean(each), _mean(recall)
    return {
        "accuracy": accuracy,
        "mean_recall": mean_recall,
        "f1": f1,
        "f1_present": present,
        "afa": (f1 + accuracy) / 2,
        "f1_uar": (present + mean_recall) / 2,
        **{f"recall.{name}": recall[:, index] for index, name in enumerate(task.labels)},
    }


def _of_attributes(found: Predictions, task: Task) -> Table:
    known, seen = found.mask[task.name], ~found.missed[:, None]
    positive, guess = found.labels[task.name] > 0.5, (found.outputs[task.name] >= 0.5) & seen
    right = (positive == guess) & seen
    blocks = [known & right, known & positive & guess, known & guess, known & positive, known]
    for members in _one_hot_groups(task):
        whole = known[:, members].all(1) & (positive[:, members].sum(1) == 1)
        best = found.outputs[task.name][:, members].argmax(1) == positive[:, members].argmax(1)
        blocks += [(whole & best & seen[:, 0])[:, None], whole[:, None]]
    return sparse.csr_array(np.hstack(blocks).astype(np.float64))


def _attribute_figures(task: Task, totals: Array) -> dict[str, Array]:
    right, hits, guessed, true, known = np.split(totals[:, : 5 * len(task)], 5, axis=1)
    each = np.where(known > 0, _ratio(2 * hits, guessed + true, empty=0.0), np.nan)
    accuracies = _ratio(right, known)
    f1, accuracy = _mean(each), _mean(accuracies)
    return {
        "f1": f1,
        "accuracy": accuracy,
        "f1_present": _mean(np.where(true > 0, each, np.nan)),
        "total_accuracy": _ratio(right.sum(1), known.sum(1)),
        "afa": (f1 + accuracy) / 2,
        **{f"f1.{name}": each[:, index] for index, name in enumerate(task.labels)},
        **_group_figures(task, totals[:, 5 * len(task) :]),
    }


def _group_figures(task: Task, totals: Array) -> dict[str, Array]:
    names = [name for name, members in groups(task.labels).items() if len(members) > 1]
    if not names:
        return {}
    shares = _ratio(totals[:, ::2], totals[:, 1::2])
    return {
        "group_accuracy": _mean(shares),
        **{f"group_accuracy.{name}": shares[:, index] for index, name in enumerate(names)},
    }


def _one_hot_groups(task: Task) -> list[list[int]]:
    return [list(members) for members in groups(task.labels).values() if len(members) > 1]


def _of_continuous(found: Predictions, task: Task) -> Table:
    known = found.mask[task.name]
    guess = np.where(found.missed[:, None], 0.0, found.outputs[task.name].astype(np.float64))
    truth = found.labels[task.name].astype(np.float64)
    agree = (np.sign(guess) == np.sign(truth)) & ~found.missed[:, None]
    error = (guess - truth) ** 2
    middle = (truth * known).sum(0) / np.maximum(known.sum(0), 1)  # moments about it lose fewer digits
    x, y = guess - middle, truth - middle
    return sparse.csr_array(np.hstack([known * part for part in (1.0, x, y, x * x, y * y, x * y, agree, error)]))


def _continuous_figures(task: Task, totals: Array) -> dict[str, Array]:
    n, sx, sy, sxx, syy, sxy, agree, error = np.split(totals, 8, axis=1)
    x, y, xx, yy = _ratio(sx, n), _ratio(sy, n), _ratio(sxx, n), _ratio(syy, n)
    covariance, spread_x, spread_y = _ratio(sxy, n) - x * y, xx - x * x, yy - y * y
    constant = (spread_x <= CONSTANT * xx) | (spread_y <= CONSTANT * yy)
    spread = np.where(constant, 1.0, spread_x + spread_y + (x - y) ** 2)
    product = np.where(constant, 1.0, np.sqrt(np.abs(spread_x * spread_y)))
    found = {
        "ccc": np.where(constant, 0.0, 2 * covariance / spread),
        "pcc": np.where(constant, 0.0, np.clip(covariance / product, -1, 1)),
        "sagr": _ratio(agree, n),
        "rmse": np.sqrt(np.maximum(_ratio(error, n), 0)),
    }
    result: dict[str, Array] = {}
    for figure, values in found.items():
        known = np.where(n > 0, values, np.nan)
        result[figure] = _mean(known)
        result |= {f"{figure}.{name}": known[:, index] for index, name in enumerate(task.labels)}
    return result


def _ratio(above: Array, below: Array, empty: float = np.nan) -> Array:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(below), empty), where=below > 0))


def _mean(values: Array) -> Array:
    """The mean over the columns that are no NaN; NaN of none."""
    there = ~np.isnan(values)
    return _ratio(np.where(there, values, 0).sum(1), there.sum(1).astype(np.float64))
