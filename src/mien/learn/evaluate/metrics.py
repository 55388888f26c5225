"""Metrics from sums over rows.

All that a metric needs from a row is a few numbers that can be added up. One definition therefore serves a whole split,
any subset of its rows, and every resample of :mod:`mien.learn.evaluate.bootstrap`, which only weights the sums of
groups of rows. Tests compare every metric with scikit-learn and SciPy.

A missed row, for which there is no prediction, counts as an error: its class is wrong; each of its attributes is wrong
in the accuracies, and a positive one is a false negative (never a false positive); its continuous values are 0, with
the wrong sign.

Metrics of classes:

- ``accuracy``: the papers' "total accuracy".
- ``f1``: the mean over all classes of the task; a class that does not occur counts as 0.
- ``recall.NAME`` and ``mean_recall``, the mean diagonal of the confusion matrix (UAR), of the classes that occur.
- ``f1_present``: the mean over the classes that occur.
- ``afa``: the average of ``f1`` and ``accuracy``.
- ``f1_uar``: the average of ``f1_present`` and ``mean_recall`` (papers/003, section 4.2, EmotioNet).

Metrics of attributes, at threshold 0.5 over the annotated cells; an attribute without annotations is in no mean:

- ``f1.NAME`` and ``f1``, their mean. An attribute without an annotated positive counts as 0, its F1 being undefined.
- ``f1_present``: the mean over the attributes with a positive.
- ``accuracy``: the mean over the attributes of their accuracies; ``afa``: the average of ``f1`` and this one
  (papers/003, Table 3).
- ``total_accuracy``: the share of correct cells among all annotated ones, so an attribute counts by its annotations.
- ``group_accuracy.NAME``, of labels such as ``NAME=short`` (:func:`mien.tasks.groups`): how often the most probable
  label of the group is the annotated one, over the rows in which the whole group is annotated and exactly one label is
  positive. ``group_accuracy``: the mean over the groups.

Metrics of continuous values, of each dimension over its annotated cells (``ccc.NAME``) and their mean (``ccc``):

- ``ccc``: Lin's concordance correlation coefficient in [-1, 1]; 0 if either side is constant.
- ``pcc``: Pearson's correlation coefficient in [-1, 1] (papers/001); 0 if either side is constant.
- ``sagr``: the share of values with the sign of the truth (papers/001). The signs are -1, 0 and 1, as in the paper's
  Kronecker delta: a true 0 is only matched by a 0.
- ``rmse``: the root of the mean squared error (papers/001); lower is better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mien.tasks import Kind, Task, groups

Array = NDArray[np.floating]
Mask = NDArray[np.bool_]
Table = Any
"""Rows, or groups of rows, x sums: a sparse array of SciPy."""

CONSTANT = 1e-12
"""A variance below this share of the mean square is a rounding error: the values are constant."""


def metrics(
    outputs: Mapping[str, Array],
    labels: Mapping[str, NDArray[Any]],
    mask: Mapping[str, Mask],
    tasks: Sequence[Task],
    missed: Mask | None = None,
) -> dict[str, float]:
    """All metrics of all tasks that have labels, by ``task.metric``.

    Args:
        outputs, labels, mask: by task name, as in :class:`mien.learn.evaluate.predictions.Predictions`.
        tasks: the tasks to evaluate.
        missed: N, the rows without a prediction; None if there are none.

    Returns:
        The metrics, without undefined ones.
    """
    result: dict[str, float] = {}
    for task in tasks:
        found = task_metrics(task, outputs[task.name], labels[task.name], mask[task.name], missed)
        result |= {f"{task.name}.{name}": value for name, value in found.items()}
    return result


def task_metrics(
    task: Task, outputs: Array, labels: NDArray[Any], mask: Mask, missed: Mask | None = None
) -> dict[str, float]:
    """All metrics of one task by name; empty if nothing is labelled.

    ``faces``, the number of rows with any label of the task, comes first. Undefined metrics are absent.

    Args:
        task: its labels name the columns.
        outputs: N x labels: probabilities, or continuous values.
        labels: N class indices, or N x labels.
        mask: bool of the same shape: what is labelled.
        missed: N, the rows without a prediction; None if there are none.

    Example:
        >>> from mien.tasks import AFFECT
        >>> truth = np.array([[0.5, -0.5], [0.0, 0.5]])
        >>> task_metrics(AFFECT, truth + 0.25, truth, np.ones((2, 2), bool))["rmse.valence"]
        0.25
    """
    if not mask.any():
        return {}
    missed = np.zeros(len(mask), bool) if missed is None else missed
    totals = group_sums(row_sums(task, outputs, labels, mask, missed), np.zeros(len(mask), int), 1).toarray()
    return {name: float(value[0]) for name, value in from_sums(task, totals).items() if not np.isnan(value[0])}


def lower_is_better(metric: str) -> bool:
    """Whether lower values of a metric, given by its full name, are better: errors, and the identity probe."""
    return "rmse" in metric.split(".") or metric.startswith("probe.")


def concordance(prediction: Array, truth: Array) -> float:
    """Lin's concordance correlation coefficient of N pairs, in [-1, 1]; 0 if either side is constant or empty."""
    if not prediction.size:
        return 0.0
    known = np.ones((len(prediction), 1), bool)
    cells = _continuous_sums(prediction[:, None], truth[:, None], known, np.zeros(len(prediction), bool))
    return float(_by_dimension(cells.sum(0)[None])["ccc"][0, 0])


def likeliest(outputs: Array, missed: Mask) -> NDArray[np.int_]:
    """Index of the most probable class of each row; -1 for a missed row, or if no class has any probability."""
    return np.where(missed | ~(outputs > 0).any(1), -1, outputs.argmax(1))


def row_sums(task: Task, outputs: Array, labels: NDArray[Any], mask: Mask, missed: Mask) -> Table:
    """The summands of :func:`from_sums` for each row; the first column counts labelled rows.

    Args:
        task, outputs, labels, mask, missed: as for :func:`task_metrics`.

    Returns:
        N x K; K depends on the task alone.
    """
    labelled = np.asarray(mask.reshape(len(mask), -1).any(1), np.float64)
    if task.kind is Kind.CLASSES:
        cells = _class_sums(len(task), likeliest(outputs, missed), labels.astype(int), mask)
    elif task.kind is Kind.ATTRIBUTES:
        cells = _attribute_sums(_one_hot_groups(task), outputs, labels > 0.5, mask, missed)
    else:
        cells = _continuous_sums(outputs, labels, mask, missed)
    return sparse.hstack([sparse.csr_array(labelled[:, None]), sparse.csr_array(cells)], format="csr")


def group_sums(rows: Table, members: NDArray[np.int_], count: int) -> Table:
    """The sums of groups of rows.

    Args:
        rows: N x K, from :func:`row_sums`.
        members: N, the group of each row.
        count: the number of groups.

    Returns:
        ``count`` x K.
    """
    picked = sparse.csr_array((np.ones(len(members)), (members, np.arange(len(members)))), (count, len(members)))
    return sparse.csr_array(picked @ rows)


def from_sums(task: Task, totals: Array) -> dict[str, Array]:
    """All metrics of a task, R values each, from R totals of sums; NaN where undefined. ``faces`` comes first.

    Args:
        task: the task of the sums.
        totals: R x K, from :func:`row_sums`, added up and weighted.
    """
    of = {Kind.CLASSES: _class_metrics, Kind.ATTRIBUTES: _attribute_metrics, Kind.CONTINUOUS: _continuous_metrics}
    return {"faces": totals[:, 0], **of[task.kind](task, totals[:, 1:])}


def _class_sums(classes: int, guess: NDArray[np.int_], truth: NDArray[np.int_], known: Mask) -> Table:
    return sparse.hstack(
        [
            _one_hot(truth, known & (guess == truth), classes),
            _one_hot(guess, known & (guess >= 0), classes),
            _one_hot(truth, known, classes),
        ],
        format="csr",
    )


def _one_hot(column: NDArray[np.int_], where: Mask, width: int) -> Table:
    rows = np.flatnonzero(where)
    return sparse.csr_array((np.ones(len(rows)), (rows, column[rows])), (len(column), width))


def _class_metrics(task: Task, totals: Array) -> dict[str, Array]:
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


def _attribute_sums(
    one_hot: Sequence[Sequence[int]], outputs: Array, positive: Mask, known: Mask, missed: Mask
) -> NDArray[np.float64]:
    seen = ~missed[:, None]
    guess = (outputs >= 0.5) & seen
    right = (positive == guess) & seen
    blocks = [known & right, known & positive & guess, known & guess, known & positive, known]
    for members in one_hot:
        whole = known[:, members].all(1) & (positive[:, members].sum(1) == 1)
        best = outputs[:, members].argmax(1) == positive[:, members].argmax(1)
        blocks += [(whole & best & ~missed)[:, None], whole[:, None]]
    return np.hstack(blocks).astype(np.float64)


def _attribute_metrics(task: Task, totals: Array) -> dict[str, Array]:
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
        **_group_metrics(task, totals[:, 5 * len(task) :]),
    }


def _group_metrics(task: Task, totals: Array) -> dict[str, Array]:
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


def _continuous_sums(outputs: Array, labels: Array, known: Mask, missed: Mask) -> NDArray[np.float64]:
    guess = np.where(missed[:, None], 0.0, outputs.astype(np.float64))
    truth = labels.astype(np.float64)
    agree = (np.sign(guess) == np.sign(truth)) & ~missed[:, None]
    error = (guess - truth) ** 2
    middle = (truth * known).sum(0) / np.maximum(known.sum(0), 1)  # moments about it lose fewer digits
    x, y = guess - middle, truth - middle
    return np.hstack([known * part for part in (1.0, x, y, x * x, y * y, x * y, agree, error)])


def _continuous_metrics(task: Task, totals: Array) -> dict[str, Array]:
    result: dict[str, Array] = {}
    for metric, values in _by_dimension(totals).items():
        result[metric] = _mean(values)
        result |= {f"{metric}.{name}": values[:, index] for index, name in enumerate(task.labels)}
    return result


def _by_dimension(totals: Array) -> dict[str, Array]:
    """Each metric of continuous values, R x D; NaN where nothing is annotated."""
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
    return {metric: np.where(n > 0, values, np.nan) for metric, values in found.items()}


def _ratio(above: Array, below: Array, empty: float = np.nan) -> Array:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(below), empty), where=below > 0))


def _mean(values: Array) -> Array:
    """The mean over the columns that are not NaN; NaN if all are."""
    there = ~np.isnan(values)
    return _ratio(np.where(there, values, 0).sum(1), there.sum(1).astype(np.float64))
