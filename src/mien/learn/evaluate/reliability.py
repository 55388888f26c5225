"""Reliability: of all faces that get a probability near 0.8, are 8 in 10 so?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.learn.evaluate.predictions import Predictions
from mien.tasks import Kind, Task

Array = NDArray[np.floating]

BINS = 15
"""Bins of one width; with them figures compare with Guo et al. 2017, and equal probabilities share a bin."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram.

    Args:
        probability: of each bin the mean probability, NaN if it is empty.
        share: of each bin how many were so, NaN if it is empty.
        count: of each bin.
    """

    probability: Array
    share: Array
    count: NDArray[np.int_]

    @property
    def error(self) -> float:
        """The expected calibration error in [0, 1]: the mean distance of the two, weighted by the counts; 0 of nothing.

        Lower is better. (Guo, Pleiss, Sun and Weinberger 2017, eq. 3.)
        """
        there = self.count > 0
        gap = np.abs(self.probability[there] - self.share[there])
        return float((gap * self.count[there]).sum() / max(self.count.sum(), 1))

    def to_dict(self) -> dict[str, Any]:
        """As JSON; empty bins are left out."""
        there = self.count > 0
        return {
            "expected calibration error": self.error,
            "bins": len(self.count),
            "probability": self.probability[there].tolist(),
            "share": self.share[there].tolist(),
            "count": self.count[there].tolist(),
        }


def reliability(probability: Array, so: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Probabilities in [0, 1] beside what was so, in bins of equal width.

    Args:
        probability: N.
        so: N.
        bins: how many; a probability on a border is in the upper bin, 1 in the last.
    """
    place = np.clip((probability * bins).astype(int), 0, bins - 1)
    count = np.bincount(place, minlength=bins)

    def mean(values: Array) -> Array:
        total = np.bincount(place, weights=values, minlength=bins)
        return np.asarray(np.divide(total, count, out=np.full(bins, np.nan), where=count > 0))

    return Reliability(mean(probability.astype(np.float64)), mean(so.astype(np.float64)), count)


def of_task(found: Predictions, task: Task) -> dict[str, Reliability]:
    """Reliability of a task under its name, and of each labelled attribute under that one's; nothing of values.

    Classes: the probability of the most probable one, and whether it is the right one. Attributes: each annotated
    cell's probability, and whether it is positive. Missed rows, to which nothing was said, have no part.
    """
    known, outputs = found.mask[task.name], found.outputs[task.name]
    if task.kind is Kind.CLASSES:
        rows = known & ~found.missed
        right = outputs[rows].argmax(1) == found.labels[task.name][rows]
        return {task.name: reliability(outputs[rows].max(1), right)} if rows.any() else {}
    cells, positive = known & ~found.missed[:, None] if known.ndim == 2 else known, found.labels[task.name] > 0.5
    if task.kind is Kind.CONTINUOUS or not cells.any():
        return {}
    each = {
        label: reliability(outputs[cells[:, index], index], positive[cells[:, index], index])
        for index, label in enumerate(task.labels)
        if cells[:, index].any()
    }
    return {task.name: reliability(outputs[cells], positive[cells]), **each}
