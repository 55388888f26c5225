"""Calibration: from a network's raw outputs to true probabilities, with 0.5 as the best threshold.

Class logits get a temperature and an offset per class, attribute logits a scale and an offset each (Platt 1999; Guo et
al. 2017), all fitted on rows that were not used for training. Then each attribute is shifted until 0.5 is the threshold
with the best F1 on these rows: users of such a column take 0.5 or more for "present", and for a rare attribute the best
threshold of the true probability is far lower.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit

from mien.learn.checkpoint import CheckpointError
from mien.learn.data.manifest import Manifest
from mien.tasks import Kind, Task

Array = NDArray[np.float64]

CALIBRATION = "calibration.json"
"""File in the folder of a checkpoint that ``mien calibrate`` writes and ``mien export`` builds into the network."""

EARLIER = "readout.json"
"""The name of the same file in earlier versions of mien."""

PULL = 1e-3
"""Weight of the penalty that keeps scales near 1 and offsets near 0; it only matters if data is scarce."""

FEWEST = 20
"""Fewest labelled rows that can fit an attribute, at least half as many of them present and half as many absent."""


@dataclass(frozen=True)
class Calibration:
    """``raw * scale + offset`` before the softmax or the sigmoid.

    Args:
        scale, offset: for each task, one number per label; all scales of a classification task are equal.
        thresholds: for each attribute label, the true probability in (0, 1) that is shifted to 0.5.
        mirror: whether ``raw`` is the mean over the picture and its mirror image, :mod:`mien.learn.export.mirror`.
    """

    scale: Mapping[str, tuple[float, ...]]
    offset: Mapping[str, tuple[float, ...]]
    thresholds: Mapping[str, float]
    mirror: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {
            "scale": {name: list(values) for name, values in self.scale.items()},
            "offset": {name: list(values) for name, values in self.offset.items()},
            "thresholds": dict(self.thresholds),
            "mirror": self.mirror,
        }

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> Calibration:
        """The inverse of :meth:`to_dict`; AttributeError, KeyError, TypeError or ValueError for anything else."""
        scale, offset = (
            {str(name): tuple(map(float, values)) for name, values in plain[key].items()} for key in ("scale", "offset")
        )
        thresholds = {str(name): float(value) for name, value in plain["thresholds"].items()}
        return Calibration(scale, offset, thresholds, bool(plain.get("mirror", False)))


def read_calibration(folder: Path) -> Calibration | None:
    """The calibration in the folder of a checkpoint; None if there is none.

    Raises:
        CheckpointError: if it cannot be read.
    """
    for path in (folder / CALIBRATION, folder / EARLIER):
        try:
            return Calibration.from_dict(json.loads(path.read_text()))
        except FileNotFoundError:
            continue
        except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
            raise CheckpointError(f"{path}: not a calibration ({error}); run `mien calibrate` again") from None
    return None


def label_shares(rows: Manifest, task: Task) -> NDArray[np.float32]:
    """Labels as :func:`fit` takes them: N x labels, classes without votes one-hot; NaN where missing."""
    column = rows.column(task)
    if column.ndim == 2:
        return column
    known = ~np.isnan(column)
    shares = np.full((len(column), len(task)), np.nan, np.float32)
    shares[known] = np.eye(len(task), dtype=np.float32)[column[known].astype(int)]
    return shares


def fit(
    tasks: Sequence[Task],
    raw: Sequence[Mapping[str, NDArray[np.floating]]],
    columns: Sequence[Mapping[str, NDArray[np.floating]]],
    prior: float,
) -> tuple[Calibration, dict[str, int]]:
    """The calibration of a network, and the index of the set that each label was fitted on.

    Each label is fitted on the first set that has labels of it, an attribute on the first that has enough present and
    absent ones (:data:`FEWEST`), so put reliable sets first. Labels that no set can fit keep the output of the network,
    and so do continuous values.

    Args:
        tasks: tasks of the network.
        raw: for each set, the raw outputs of each task, N x labels.
        columns: for each set, the labels from :func:`label_shares`: N x C shares, or N x A in [0, 1].
        prior: see :func:`fit_classes`.
    """
    scale: dict[str, tuple[float, ...]] = {}
    offset: dict[str, tuple[float, ...]] = {}
    thresholds: dict[str, float] = {}
    source: dict[str, int] = {}
    for task in (each for each in tasks if each.kind is not Kind.CONTINUOUS):
        outputs = [np.asarray(each[task.name], np.float64) for each in raw]
        labels = [np.asarray(each[task.name], np.float64) for each in columns]
        if task.kind is Kind.CLASSES:
            known = [~np.isnan(each).any(1) for each in labels]
            index = next((i for i, rows in enumerate(known) if rows.any()), None)
            if index is not None:
                one, offsets = fit_classes(outputs[index][known[index]], labels[index][known[index]], prior)
                scale[task.name], offset[task.name] = (one,) * len(task), tuple(offsets.tolist())
                source |= dict.fromkeys(task.labels, index)
        else:
            pairs = []
            for place, label in enumerate(task.labels):
                index = next((i for i, each in enumerate(labels) if _enough(each[:, place])), None)
                if index is None:
                    pairs.append((1.0, 0.0))
                    continue
                factor, shift, thresholds[label] = _fit_threshold(outputs[index][:, place], labels[index][:, place])
                pairs.append((factor, shift))
                source[label] = index
            scale[task.name], offset[task.name] = (tuple(side) for side in zip(*pairs, strict=True))
    return Calibration(scale, offset, thresholds), source


def _enough(labels: Array) -> bool:
    """Whether these labels of an attribute, NaN where missing, are enough to fit it."""
    known = labels[~np.isnan(labels)]
    return len(known) >= FEWEST and min(known.sum(), (1 - known).sum()) >= FEWEST / 2


def _fit_threshold(outputs: Array, labels: Array) -> tuple[float, float, float]:
    """Scale and offset of an attribute whose best threshold is 0.5, and the true probability of that threshold."""
    known = ~np.isnan(labels)
    logits, truth = outputs[known], labels[known]
    scale, offset = fit_attribute(logits, truth)
    threshold = best_threshold(expit(scale * logits + offset), truth >= 0.5)
    return scale, offset - float(logit(threshold)), threshold


def fit_classes(logits: Array, shares: Array, prior: float) -> tuple[float, Array]:
    """The inverse temperature and the offsets that calibrate class probabilities for a given population.

    The class frequencies of the population are those of the rows to the power of ``prior``: 1 keeps them, 0 makes all
    classes equally frequent. A row is weighted by the weights of its classes in that population,
    ``rate ** (prior - 1)``, and the weighted cross-entropy is minimised.

    Args:
        logits: N x C.
        shares: N x C, votes or one-hot labels.
        prior: 0 to 1.
    """
    rate = shares.mean(0)
    weight = np.where(rate > 0, np.maximum(rate, 1e-12) ** (prior - 1), 0.0) * shares
    weight = weight / weight.sum()

    def loss(found: Array) -> tuple[float, Array]:
        log_p = log_softmax(found[0] * logits + found[1:], axis=1)
        error = weight.sum(1, keepdims=True) * np.exp(log_p) - weight  # the gradient of the sum by the logits
        value, slope = _pull(found)
        return value - float((weight * log_p).sum()), slope + np.r_[(error * logits).sum(), error.sum(0)]

    found = _smallest(loss, logits.shape[1])
    return float(found[0]), found[1:]


def fit_attribute(logits: Array, labels: Array) -> tuple[float, float]:
    """Scale and offset of one attribute's logit, from labels or soft labels in [0, 1]."""

    def loss(found: Array) -> tuple[float, Array]:
        z = found[0] * logits + found[1]
        error = (expit(z) - labels) / len(z)
        value, slope = _pull(found)
        return value + float(np.mean(np.logaddexp(0, z) - labels * z)), slope + np.r_[error @ logits, error.sum()]

    scale, offset = _smallest(loss, 1)
    return float(scale), float(offset)


def _pull(found: Array) -> tuple[float, Array]:
    """The penalty that keeps a scale near 1 and offsets near 0, with its gradient."""
    away = found - np.r_[1.0, np.zeros(len(found) - 1)]
    return PULL * float(away @ away), 2 * PULL * away


def _smallest(loss: Callable[[Array], tuple[float, Array]], offsets: int) -> Array:
    """A scale and this many offsets that minimise a loss, which returns its gradient too."""
    bounds = [(1e-2, 1e2), *((-20.0, 20.0),) * offsets]
    start = np.r_[1.0, np.zeros(offsets)]
    return np.asarray(minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x)


def best_threshold(probabilities: Array, present: NDArray[np.bool_]) -> float:
    """The threshold with the best F1, in [0.01, 0.99]; 0.5 if all or none are present.

    It is half-way between neighbouring probabilities, or at an end; of several that are equally good, it is the one
    nearest to 0.5.
    """
    if not present.any() or present.all():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    p, hits = probabilities[order], np.r_[0, np.cumsum(present[order])]
    middle = np.clip((p + np.r_[p[1:], 0.0]) / 2, 0.01, 0.99)
    above = np.searchsorted(-p, -middle, side="right")
    f1 = 2 * hits[above] / (above + present.sum())
    best = middle[f1 >= f1.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])
