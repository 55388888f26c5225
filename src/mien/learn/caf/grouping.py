"""Weak and strong emotions: the decision radius in the valence-arousal plane (papers/001, Algorithm 1, line 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Labels = NDArray[np.floating]

BINS = 256
"""Bins of Otsu's histogram."""


class Grouping:
    """Base class: finds the radius from which an emotion is strong, and divides batches by it."""

    def decision_radius(self, labels: Labels) -> float:
        """Return delta_r, above 0.

        Args:
            labels: N x D labels of the training set, all finite.

        Raises:
            ValueError: if they cannot be divided.
        """
        raise NotImplementedError

    def groups(self, labels: Tensor, radius: float) -> tuple[Tensor, Tensor]:
        """Return which rows are strong, and which are weak: N bool each.

        Departure: the paper's P ends at a radius of 1, so the corners of the plane, at 1.41, would be in neither group;
        here they are strong.

        Args:
            labels: N x D of a batch.
            radius: the result of :meth:`decision_radius`.
        """
        strong = labels.norm(dim=1) >= radius
        return strong, ~strong


def radii(labels: Labels) -> Labels:
    """sqrt(y_a^2 + y_v^2) of each row: N x D to N."""
    return np.asarray(np.linalg.norm(labels, axis=-1))


@dataclass(frozen=True)
class Otsu(Grouping):
    """delta_r = sqrt(delta_a^2 + delta_v^2), each delta Otsu's threshold of the magnitudes |y| of one dimension.

    The histogram is of the magnitudes of all training labels of that dimension, with 256 bins from the smallest to the
    largest (kornia's ``otsu_threshold``). It uses magnitudes because a strong emotion can be on either side of neutral,
    and the whole set, once, because a batch is too small for a histogram and a face must not change its group from step
    to step. Departure: in Algorithm 1 the threshold is inside the loop, with N the size of a mini-batch.

    Example:
        >>> labels = np.array([[0.1, 0.0], [-0.1, 0.05], [0.7, -0.8], [-0.8, 0.7]])
        >>> strong, weak = Otsu().groups(torch.tensor(labels), Otsu().decision_radius(labels))
        >>> strong.tolist()
        [False, False, True, True]
    """

    def decision_radius(self, labels: Labels) -> float:
        """See :class:`Grouping`; raises ValueError if all magnitudes of a dimension are equal."""
        return _combine([_otsu(column) for column in np.abs(labels).T])


def _otsu(magnitudes: Labels) -> float:
    from kornia.filters import otsu_threshold

    _require_distinct(magnitudes)
    plane = torch.from_numpy(np.ascontiguousarray(magnitudes, np.float64))[None]
    _, threshold = otsu_threshold(plane, nbins=BINS)
    return float(threshold)


@dataclass(frozen=True)
class KMeans(Grouping):
    """delta_r = sqrt(delta_a^2 + delta_v^2), each delta the mean of k cluster centres of one dimension's magnitudes.

    The alternative in the paper's "Grouping of emotion samples", where k is 2, 3 and 5.

    Args:
        k: number of clusters, at least 2.
        seed: seed of the initial centres.

    Raises:
        ValueError: if k is below 2.
    """

    k: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ValueError(f"KMeans: k must be 2 or more, not {self.k}")

    def decision_radius(self, labels: Labels) -> float:
        """See :class:`Grouping`; raises ValueError if a dimension has fewer than k different magnitudes."""
        return _combine([self._mean_centre(column) for column in np.abs(labels).T])

    def _mean_centre(self, magnitudes: Labels) -> float:
        from sklearn.cluster import KMeans as Clusters

        _require_distinct(magnitudes, self.k)
        clusters = Clusters(self.k, n_init=10, random_state=self.seed).fit(magnitudes.astype(np.float64)[:, None])
        return float(clusters.cluster_centers_.mean())


@dataclass(frozen=True)
class FixedRadius(Grouping):
    """A fixed decision radius.

    Args:
        radius: above 0.

    Raises:
        ValueError: if ``radius`` is not above 0.
    """

    radius: float

    def __post_init__(self) -> None:
        if not 0 < self.radius < math.inf:
            raise ValueError(f"FixedRadius: radius must be above 0, not {self.radius}")

    def decision_radius(self, labels: Labels) -> float:
        """The radius, for any labels."""
        return self.radius


@dataclass(frozen=True)
class ReleasedGrouping(Grouping):
    """The grouping of the paper's release, which differs from the paper: one threshold per mini-batch.

    For each dimension: the sum of the labels, in batch order, from the first to midway between the positions of the
    smallest and the largest, divided by the sum of all; t is the root of the sum of both squares. Strong is
    r^2 > t + 0.25, weak r^2 < t + 0.25. If a group is empty: r^2 > 0.65 and r^2 < 0.3, and rows between these are in
    neither group.

    Departure: where labels sum to 0, their share is taken as 0. With several ranks, each uses its own rows.

    Args:
        offset: added to t.
        strong, weak: the squared radii that are used if a group is empty.
    """

    offset: float = 0.25
    strong: float = 0.65
    weak: float = 0.3

    def decision_radius(self, labels: Labels) -> float:
        """The radius of :class:`Otsu`; only a stratified sampler uses it."""
        return Otsu().decision_radius(labels)

    def groups(self, labels: Tensor, radius: float) -> tuple[Tensor, Tensor]:
        """See :meth:`Grouping.groups`; a row may be in neither group."""
        squares = labels.square().sum(1)
        if not len(labels):
            return squares > 0, squares > 0
        middles = (labels.argmin(0) + labels.argmax(0)) // 2
        parts = torch.stack([labels[: middle + 1, d].sum() for d, middle in enumerate(middles.tolist())])
        whole = labels.sum(0)
        shares = torch.where(whole.abs() > 1e-6, parts / torch.where(whole == 0, 1.0, whole), 0.0)
        threshold = shares.norm() + self.offset
        strong, weak = squares > threshold, squares < threshold
        if strong.any() and weak.any():
            return strong, weak
        return squares > self.strong, squares < self.weak


def _require_distinct(magnitudes: Labels, least: int = 2) -> None:
    distinct = len(np.unique(magnitudes))
    if distinct < least:
        raise ValueError(f"the labels have {distinct} distinct magnitudes in a dimension, too few to divide them")


def _combine(thresholds: list[float]) -> float:
    return math.sqrt(sum(threshold**2 for threshold in thresholds))
