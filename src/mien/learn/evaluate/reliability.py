"""Reliability diagrams: of the faces with a predicted probability near 0.8, do 8 in 10 have the label?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.learn.evaluate.predictions import Predictions
from mien.tasks import Kind, Task

Array = NDArray[np.floating]

BINS = 15
"""Bins of equal width, as in Guo et al. 2017, so that errors compare with theirs; equal probabilities share a bin."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram.

    Args:
        probability: the mean probability of each bin, NaN if it is empty.
        share: the share of each bin that has the label, NaN if it is empty.
        count: the size of each bin.
    """

    probability: Array
    share: Array
    count: NDArray[np.int_]

    @property
    def error(self) -> float:
        """Expected calibration error in [0, 1]: mean distance of probability and share, weighted by count; 0 if empty.

        Lower is better. (Guo, Pleiss, Sun and Weinberger 2017, eq. 3.)
        """
        there = self.count > 0
        gap = np.abs(self.probability[there] - self.share[there])
        return float((gap * self.count[there]).sum() / max(self.count.sum(), 1))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data, without empty bins."""
        there = self.count > 0
        return {
            "expected calibration error": self.error,
            "bins": len(self.count),
            "probability": self.probability[there].tolist(),
            "share": self.share[there].tolist(),
            "count": self.count[there].tolist(),
        }


def reliability(probability: Array, positive: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """The reliability of probabilities, in bins of equal width.

    Args:
        probability: N, in [0, 1].
        positive: N, whether the row has the label.
        bins: the number of bins; a probability on a border is in the upper bin, 1 in the last.

    Example:
        >>> reliability(np.array([0.75, 0.75]), np.array([True, False])).error
        0.25
    """
    place = np.clip((probability * bins).astype(int), 0, bins - 1)
    count = np.bincount(place, minlength=bins)

    def mean(values: Array) -> Array:
        total = np.bincount(place, weights=values, minlength=bins)
        return np.asarray(np.divide(total, count, out=np.full(bins, np.nan), where=count > 0))

    return Reliability(mean(probability.astype(np.float64)), mean(positive.astype(np.float64)), count)


def of_task(found: Predictions, task: Task) -> dict[str, Reliability]:
    """The reliability of a task under its name, and of each labelled attribute under its own; empty for values.

    Classes: the probability of the most probable class, and whether it is the right one. Attributes: the probability of
    each annotated cell, and whether it is positive. Missed rows are excluded, because nothing was predicted.
    """
    known, outputs = found.mask[task.name], found.outputs[task.name]
    if task.kind is Kind.CLASSES:
        rows = known & ~found.missed
        right = outputs[rows].argmax(1) == found.labels[task.name][rows]
        return {task.name: reliability(outputs[rows].max(1), right)} if rows.any() else {}
    if task.kind is Kind.CONTINUOUS:
        return {}
    cells, positive = known & ~found.missed[:, None], found.labels[task.name] > 0.5
    if not cells.any():
        return {}
    each = {
        label: reliability(outputs[cells[:, index], index], positive[cells[:, index], index])
        for index, label in enumerate(task.labels)
        if cells[:, index].any()
    }
    return {task.name: reliability(outputs[cells], positive[cells]), **each}
