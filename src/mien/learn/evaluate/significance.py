"""Means over runs, paired differences, and the tests of these differences. See docs/studies.md."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mien.learn.evaluate.metrics import lower_is_better

CONFIDENCE = 0.95

NEGATIVE, POSITIVE, NONE = "negative", "positive", "none shown"
"""Verdicts: the interval of the difference is below 0, is above 0, or contains 0."""


@dataclass(frozen=True)
class Estimate:
    """A metric over the runs of a setting.

    Args:
        n: number of runs.
        mean: mean of the metric.
        sd: standard deviation between the runs (n - 1 in the denominator); None for one run.
        low, high: 95 % interval of the mean; None for one run.
    """

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PairedDifference:
    """A setting's metric minus the reference's, paired by run.

    Args:
        n: number of pairs.
        mean: mean of the differences.
        low, high: 95 % interval of the mean difference; None for one pair.
        p: p value of the two-sided t-test against no difference; None for one pair.
        p_holm: the same, adjusted for the number of settings (:func:`holm`); None before the adjustment.
    """

    n: int
    mean: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None = None


def estimate(values: Sequence[float], overlap: float = 0.0) -> Estimate | None:
    """Mean, spread and interval of a metric; None without runs.

    Args:
        values: one per run.
        overlap: as for :func:`paired_difference`.
    """
    if not len(values):
        return None
    mean, sd, half = _spread(values, overlap)
    return Estimate(len(values), mean, sd, None if half is None else mean - half, None if half is None else mean + half)


def paired_difference(
    values: Sequence[float], reference: Sequence[float], overlap: float = 0.0
) -> PairedDifference | None:
    """The paired t-test, corrected for training sets that overlap; None without pairs.

    Runs on folds share rows, so their metrics are correlated, and the ordinary test finds differences where there are
    none. Nadeau and Bengio (2003), section 3, replace the variance of the mean, s^2 / J, by s^2 (1/J + n_test /
    n_train), where J is the number of runs; Bouckaert and Frank (2004) use it for repeated cross-validation, as here.
    With ``overlap=0``, for seeds, it is the ordinary paired t-test. Both have J - 1 degrees of freedom.

    Args:
        values, reference: one per run, in the same order.
        overlap: n_test / n_train, which is 1 / (folds - 1) for folds; 0 for seeds.
    """
    if not len(values):
        return None
    differences = np.asarray(values, np.float64) - np.asarray(reference, np.float64)
    mean, sd, half = _spread(differences, overlap)
    if sd is None or half is None:
        return PairedDifference(len(differences), mean, None, None, None)
    return PairedDifference(len(differences), mean, mean - half, mean + half, _p(mean, sd, len(differences), overlap))


def _spread(values: Sequence[float] | np.ndarray, overlap: float) -> tuple[float, float | None, float | None]:
    """Mean, standard deviation, and half the width of the mean's interval."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return mean, None, None
    sd = float(np.std(values, ddof=1))
    return mean, sd, float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * sd * math.sqrt(1 / n + overlap)


def _p(mean: float, sd: float, n: int, overlap: float) -> float:
    error = sd * math.sqrt(1 / n + overlap)
    if error == 0:  # the same difference in every run
        return 1.0 if mean == 0 else 0.0
    return float(2 * stats.t.sf(abs(mean) / error, n - 1))


def holm(values: Sequence[float | None]) -> list[float | None]:
    """p values adjusted so that the chance of any false positive among them stays at the level (Holm, 1979).

    Args:
        values: unadjusted; None stays None and does not count as a test.
    """
    known = sorted((value, index) for index, value in enumerate(values) if value is not None)
    adjusted: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (value, index) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * value))
        adjusted[index] = highest
    return adjusted


def verdict(found: PairedDifference | None, metric: str = "") -> str | None:
    """The verdict of a difference; None without an interval. :func:`lower_is_better` says which sign is better.

    ``none shown`` does not prove that there is no difference: the interval says how large it could be.
    """
    if found is None or found.low is None or found.high is None:
        return None
    if found.low <= 0 <= found.high:
        return NONE
    return POSITIVE if (found.low > 0) is not lower_is_better(metric) else NEGATIVE


def transfer(verdicts: Mapping[str, str | None]) -> bool | None:
    """Whether a setting shows negative transfer: worse than single-task on at least one task (papers/002, p. 1).

    Args:
        verdicts: by task; the result is None if none of them is known.
    """
    known = [word for word in verdicts.values() if word is not None]
    return NEGATIVE in known if known else None
