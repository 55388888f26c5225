"""The valence and arousal of each class: one Gaussian per class, from the literature or from labelled data.

Ours: papers/003 (section 3.1.3) leaves the coupling of expressions with valence and arousal open. The loss that uses
these Gaussians is :class:`mien.learn.losses.AffectMatching`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.spelling import did_you_mean
from mien.tasks import EXPRESSION


@dataclass(frozen=True, eq=False)
class AffectPrior:
    """A Gaussian over (valence, arousal) for each class.

    Args:
        class_labels: C labels.
        means: C x 2, valence and arousal in [-1, 1].
        covariances: C x 2 x 2, symmetric and positive definite, in the same units squared.
        class_prior: C positive shares that sum to 1, the frequency of each class.
        source: where the numbers come from.

    Raises:
        ValueError: for other shapes, or numbers that do not describe a Gaussian.

    Example:
        >>> prior = AffectPrior.load("russell_1977")
        >>> prior.means[prior.class_labels.index("happiness")].tolist()
        [0.81, 0.51]
    """

    class_labels: tuple[str, ...]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    class_prior: NDArray[np.float64]
    source: str

    def __post_init__(self) -> None:
        classes = len(self.class_labels)
        for name, shape in (("means", (classes, 2)), ("covariances", (classes, 2, 2)), ("class_prior", (classes,))):
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"affect prior {name}: shape {array.shape}, expected {shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"affect prior {name}: all values must be finite")
        if (np.abs(self.means) > 1).any():
            raise ValueError("affect prior means: valence and arousal must be in [-1, 1]")
        symmetric = np.allclose(self.covariances, self.covariances.transpose(0, 2, 1))
        if not symmetric or (np.linalg.eigvalsh(self.covariances) <= 0).any():
            raise ValueError("affect prior covariances: each must be symmetric and positive definite")
        if (self.class_prior <= 0).any() or not np.isclose(self.class_prior.sum(), 1, atol=1e-6):
            raise ValueError("affect prior class_prior: must be positive shares that sum to 1")

    def to_dict(self) -> dict[str, object]:
        """The prior as JSON-ready data."""
        return {
            "class_labels": list(self.class_labels),
            "means": self.means.tolist(),
            "covariances": self.covariances.tolist(),
            "class_prior": self.class_prior.tolist(),
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AffectPrior:
        """The inverse of :meth:`to_dict`.

        Raises:
            ValueError: if the data do not describe a prior.
        """
        try:
            means, covariances, shares = (
                np.array(data[name], np.float64) for name in ("means", "covariances", "class_prior")
            )
            labels, source = tuple(str(label) for label in data["class_labels"]), str(data["source"])
        except KeyError as error:
            raise ValueError(f"affect prior: missing {error.args[0]}") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"affect prior: {error}") from None
        return cls(labels, means, covariances, shares, source)

    @classmethod
    def load(cls, name: str) -> AffectPrior:
        """Load a named prior, or one from a ``.json`` file that contains the data of :meth:`to_dict`.

        Raises:
            ValueError: for an unknown name, or if the file cannot be read or does not describe a prior.
        """
        if name in NAMED:
            return NAMED[name]
        if not name.endswith(".json"):
            raise ValueError(f"{name}: no such affect prior, and not a .json file{did_you_mean(name, NAMED)}")
        try:
            data = json.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{name}: cannot be read ({error})") from None
        if not isinstance(data, dict):
            raise ValueError(f"{name}: an affect prior must be a JSON object")
        try:
            return cls.from_dict(data)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


def infer_affect_prior(
    class_labels: Sequence[str],
    class_index: ArrayLike,
    affect: ArrayLike,
    *,
    minimum_support: int = 10,
    shrinkage: float = 10.0,
    floor: float = 0.05,
    source: str = "inferred from labelled rows",
) -> AffectPrior:
    """Mean and covariance of each class, over the rows where class, valence and arousal are all labelled.

    Each covariance is shrunk towards the one shared by all classes, as if ``shrinkage`` more rows had it, and no
    standard deviation is below ``floor``, so that it can be inverted even if rows are few or identical. The share of a
    class is its share of these rows, after adding one row to every class.

    Args:
        class_labels: C labels.
        class_index: N class indices; NaN or negative where not labelled.
        affect: N x 2 valence and arousal in [-1, 1]; NaN where not labelled.
        minimum_support: the number of rows that every class needs, at least 1.
        shrinkage: the weight of the shared covariance, in rows.
        floor: smallest standard deviation, in units of valence and arousal; its square is added to each variance.
        source: where the labels come from; stored with the prior.

    Raises:
        ValueError: if the shapes do not match, an index has no label, or a class has too few rows.

    Example:
        >>> index, affect = [0] * 10 + [1] * 10, [[0.5, 0.25]] * 10 + [[-0.5, 0.25]] * 10
        >>> infer_affect_prior(("glad", "sorry"), index, affect, source="made up").means.tolist()
        [[0.5, 0.25], [-0.5, 0.25]]
    """
    index, values = np.asarray(class_index, np.float64), np.asarray(affect, np.float64)
    if index.ndim != 1 or values.shape != (len(index), 2):
        raise ValueError(f"affect prior: shapes {index.shape} and {values.shape}, expected N and N x 2")
    if floor <= 0 or shrinkage < 0 or minimum_support < 1:
        raise ValueError("affect prior: floor must be above 0, shrinkage at least 0 and minimum_support at least 1")
    known = (index >= 0) & ~np.isnan(values).any(1)  # NaN >= 0 is False
    rows, points, classes = index[known].astype(int), values[known], len(class_labels)
    if rows.size and rows.max() >= classes:
        raise ValueError(f"affect prior: class index {rows.max()}, but there are {classes} classes")
    support = np.bincount(rows, minlength=classes)
    for label, count in zip(class_labels, support, strict=True):
        if count < minimum_support:
            raise ValueError(
                f"affect prior: {label} has {count} rows with valence and arousal, but needs {minimum_support}"
            )
    means = np.stack([points[rows == c].mean(0) for c in range(classes)])
    deviations = points - means[rows]
    scatter = np.stack([deviations[rows == c].T @ deviations[rows == c] for c in range(classes)])
    shared = scatter.sum(0) / len(rows)
    covariances = (scatter + shrinkage * shared) / (support + shrinkage)[:, None, None] + floor**2 * np.eye(2)
    return AffectPrior(tuple(class_labels), means, covariances, (support + 1) / (len(rows) + classes), source)


def _diagonal(spread: Mapping[str, tuple[float, float, float, float]], source: str) -> AffectPrior:
    """Build a prior from each expression's mean valence, its spread, mean arousal and its spread; equal frequencies."""
    table = np.array([spread[label] for label in EXPRESSION.labels])
    covariances = np.stack([np.diag(row) for row in table[:, [1, 3]] ** 2])
    shares = np.full(len(table), 1 / len(table))
    return AffectPrior(EXPRESSION.labels, table[:, [0, 2]], covariances, shares, source)


RUSSELL_1977 = _diagonal(
    {
        "neutral": (0.0, 0.2, 0.0, 0.2),
        "happiness": (0.81, 0.21, 0.51, 0.26),
        "sadness": (-0.63, 0.23, -0.27, 0.34),
        "fear": (-0.64, 0.20, 0.60, 0.32),
        "anger": (-0.51, 0.20, 0.59, 0.33),
        "surprise": (0.40, 0.30, 0.67, 0.27),
        "disgust": (-0.60, 0.20, 0.35, 0.41),
    },
    source="Russell & Mehrabian 1977, Journal of Research in Personality 11, pleasure and arousal ratings of emotion "
    "words (happy, sad, fearful, angry, surprised, disgusted): means and standard deviations as secondary sources "
    "quote them; check the original before you rely on them; it gives no covariances (taken as 0); "
    "neutral is set by us at 0, 0 with a standard deviation of 0.2; all classes equally frequent",
)
"""Ratings of words, not of faces; fear and anger hardly differ."""

CIRCUMPLEX: dict[str, tuple[float, float]] = {
    label: (valence, arousal)
    for label, (valence, arousal) in zip(EXPRESSION.labels, RUSSELL_1977.means.tolist(), strict=True)
}
"""Valence and arousal of each expression: the means of :data:`RUSSELL_1977`."""

NAMED: dict[str, AffectPrior] = {"russell_1977": RUSSELL_1977}
"""The priors that are available by name."""
