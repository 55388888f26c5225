"""The margin between strong and weak samples: adaptive (papers/001, eq. 5 and 8), each of its two terms, and others.

No margin has a gradient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

Correlation = Literal["embedding", "paired"]


class Margin(Protocol):
    """Computes alpha for the samples of a batch."""

    def between(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """Return one margin, a scalar; or one for each strong sample, N_s.

        Args:
            strong: N_s x d outputs of the critic, N_s >= 2.
            weak: N_w x d, N_w >= 1.
            epoch: passes over the training set so far.
        """
        ...


def information(squared: Tensor, largest: float) -> Tensor:
    """- 1/2 log(1 - eta^2), the mutual information in nats of two jointly Gaussian variables with correlation eta.

    Departure: at most ``largest``, because it is infinite at eta^2 = 1.

    Args:
        squared: eta^2.
        largest: maximum of the result.
    """
    return -torch.log1p(-squared.clamp(0, 1 - math.exp(-2 * largest))) / 2


def embedding_correlation(strong: Tensor, weak: Tensor, bandwidth: float | None) -> Tensor:
    """eta in [0, 1]: the cosine between the mean embeddings of the two groups in the space of a Gaussian kernel.

    It is 1 if both groups have the same distribution, and falls towards 0 as they move apart. For groups distributed as
    N(m, s^2 I) and bandwidth h, it is exp(- |m_s - m_w|^2 / (2 (h^2 + 2 s^2))) in the limit of many samples.

    Args:
        strong: N_s x d.
        weak: N_w x d.
        bandwidth: h of exp(-D^2 / (2 h^2)); None: the median distance.
    """
    both = torch.cat([strong, weak])
    squares = torch.cdist(both, both).square()
    width = _median(squares) if bandwidth is None else squares.new_tensor(bandwidth**2)
    kernel = torch.exp(-squares / (2 * width))
    n = len(strong)
    cross = kernel[:n, n:].mean()
    own = kernel[:n, :n].mean() * kernel[n:, n:].mean()  # at least 1 / (N_s N_w), because the diagonals are 1
    return cross / own.sqrt()


def paired_correlation(strong: Tensor, weak: Tensor, bandwidth: float | None) -> Tensor:
    """eta in [-1, 1]: Pearson's correlation of exp(-z^2 / (2 h^2)) over the dimensions of strong i and weak N - 1 - i.

    Another reading of the paper: the kernel acts on each coordinate, and samples are paired as in the release although
    nothing relates them. 0 if one side is constant.

    Args:
        strong, weak, bandwidth: as in :func:`embedding_correlation`; None: the median of \\|z\\| over both groups.
    """
    n = min(len(strong), len(weak))
    both = torch.stack([strong[:n], weak[:n].flip(0)]).flatten(1)
    width = _median(both.square()) if bandwidth is None else both.new_tensor(bandwidth**2)
    x, y = torch.exp(-both.square() / (2 * width))
    x, y = x - x.mean(), y - y.mean()
    spread = (x.square().sum() * y.square().sum()).sqrt()
    return torch.where(spread > 0, (x * y).sum() / spread.clamp(min=1e-30), 0.0)


def _median(squares: Tensor) -> Tensor:
    """The median of the squares above 0; 1 if all are 0: then all points coincide, and any width works."""
    apart = squares[squares > 0]
    return apart.median().clamp(min=1e-30) if len(apart) else squares.new_ones(())


def confidence(n: int, k: Tensor, c: float) -> Tensor:
    """Delta(N, K) = log (N / c)^(1 / 2K); a K below 1 counts as 1."""
    return math.log(n / c) / (2 * k.clamp(min=1))


def neighbours(points: Tensor) -> Tensor:
    """For each of N points the indices of the other N - 1, nearest first, ties by index: N x (N - 1)."""
    distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    distances.fill_diagonal_(-1.0)  # the point itself comes first, even if others coincide with it
    return distances.argsort(dim=1, stable=True)[:, 1:]


def adaptive_counts(strong: Tensor, weak: Tensor, thresholds: Tensor) -> Tensor:
    """K of each sample by the adaptive nearest-neighbour rule (Balsubramani et al., 2019): N, int64.

    The smallest k for which the empirical bias of the k nearest other samples, the share of the more frequent group
    among them minus 1/2, is above the threshold of k; N - 1 if there is none.

    Args:
        strong: N_s x d; they come first in the result.
        weak: N_w x d.
        thresholds: one for each k from 1 to N - 1.
    """
    groups = torch.cat([strong.new_ones(len(strong)), weak.new_zeros(len(weak))])
    near = groups[neighbours(torch.cat([strong, weak]))]
    counts = torch.arange(1, len(groups), device=groups.device)
    bias = (near.cumsum(1) / counts - 0.5).abs()
    enough = bias > thresholds
    first = enough.int().argmax(1) + 1
    return torch.where(enough.any(1), first, len(groups) - 1)


def _check_positive(name: str, **positive: float | None) -> None:
    for key, value in positive.items():
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name}: {key} must be above 0, not {value}")


@dataclass(frozen=True)
class InformationMargin:
    """The first term of eq. 5 alone: MI(g(Z_s), g(Z_w)) = - 1/2 log(1 - eta^2).

    The paper has no formula for eta, "the correlation coefficient of g(Z_s) and g(Z_w)", and the samples of the two
    groups are not paired. ``embedding`` needs no pairs; see :func:`embedding_correlation` and
    :func:`paired_correlation`.

    Args:
        correlation: the definition of eta.
        bandwidth: bandwidth of the Gaussian kernel; None: the median.
        largest: maximum of the term; 2.5 is the release's.

    Raises:
        ValueError: for a bandwidth or maximum that is not positive.
    """

    correlation: Correlation = "embedding"
    bandwidth: float | None = None
    largest: float = 2.5

    def __post_init__(self) -> None:
        _check_positive("InformationMargin", bandwidth=self.bandwidth, largest=self.largest)

    @torch.no_grad()
    def between(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """A scalar in [0, ``largest``]; see :class:`Margin`."""
        correlate = embedding_correlation if self.correlation == "embedding" else paired_correlation
        return information(correlate(strong, weak, self.bandwidth).square(), self.largest)


@dataclass(frozen=True)
class ConfidenceMargin:
    """The second term of eq. 5 alone: Delta(N, K), with N the batch size and K the mean adaptive count.

    The counts use the same Delta(N, k) as their threshold. Departure: the threshold of Balsubramani et al. is
    A sqrt(log(N / c) / k); here the paper's expression, without the root, is used for both.

    Args:
        c: the confidence parameter, in (0, 1].

    Raises:
        ValueError: if c is not in (0, 1].
    """

    c: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.c <= 1:
            raise ValueError(f"ConfidenceMargin: c must be in (0, 1], not {self.c}")

    @torch.no_grad()
    def between(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """A scalar above 0; see :class:`Margin`."""
        n = len(strong) + len(weak)
        k = torch.arange(1, n, device=strong.device, dtype=strong.dtype)
        counts = adaptive_counts(strong, weak, confidence(n, k, self.c))
        return confidence(n, counts.to(strong.dtype).mean(), self.c)


@dataclass(frozen=True)
class AdaptiveMargin:
    """Eq. 8: - 1/2 log(1 - eta^2) + log (N / c)^(1 / 2K), finite also for eta^2 = 1.

    Args:
        c: see :class:`ConfidenceMargin`.
        correlation, bandwidth, largest: see :class:`InformationMargin`.

    Raises:
        ValueError: as for these classes.

    Example:
        >>> margin = AdaptiveMargin(c=0.05)
        >>> alpha = margin.between(torch.randn(8, 16), torch.randn(6, 16), epoch=0)
    """

    c: float = 0.05
    correlation: Correlation = "embedding"
    bandwidth: float | None = None
    largest: float = 2.5

    def __post_init__(self) -> None:
        self._terms()

    def _terms(self) -> tuple[InformationMargin, ConfidenceMargin]:
        return InformationMargin(self.correlation, self.bandwidth, self.largest), ConfidenceMargin(self.c)

    def between(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """A scalar above 0; see :class:`Margin`."""
        information, confidence = (term.between(strong, weak, epoch) for term in self._terms())
        return information + confidence


@dataclass(frozen=True)
class ConstantMargin:
    """A constant margin: kappa of papers/001, Table 4.

    Args:
        value: the margin; ValueError unless above 0.
    """

    value: float = 0.2

    def __post_init__(self) -> None:
        _check_positive("ConstantMargin", value=self.value)

    def between(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """The value; see :class:`Margin`."""
        return strong.new_tensor(self.value)


@dataclass(frozen=True)
class LinearMargin:
    """A margin that grows with the epochs, start + slope * epoch: kappa' of papers/001, Table 4.

    Args:
        start, slope: ValueError unless above 0.
    """

    start: float = 0.1
    slope: float = 5e-3

    def __post_init__(self) -> None:
        _check_positive("LinearMargin", start=self.start, slope=self.slope)

    def between(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """A scalar that grows with the epochs; see :class:`Margin`."""
        return strong.new_tensor(self.start + self.slope * epoch)


@dataclass(frozen=True)
class ReleasedMargin:
    """The margin of the paper's release, which differs from the paper: for strong sample i and weak sample N - 1 - i,

        mean over the dimensions of log p(y | x) / (p(y | -1) / 2 + p(y | 1) / 2)  +  A / sqrt(K_i - 1)

    with x the strong and y the weak output and p(y | x) a Gaussian around x: the information of a channel whose input
    is 1 or -1. N is the size of the smaller group, as in ``pairs: mirrored``; further strong samples cycle through the
    weak ones again. The first term is clipped to [0, ``largest``]. K_i is the adaptive count with thresholds A /
    sqrt(k).

    Departure: the ratio is computed in logarithms, so it is finite for any output (at a standard deviation of 3, the
    release's is NaN for every fifth one).

    Args:
        variance: variance of the channel.
        scale: A.
        largest: maximum of the first term.

    Raises:
        ValueError: for a value that is not positive.
    """

    variance: float = 0.2
    scale: float = 0.7
    largest: float = 2.5

    def __post_init__(self) -> None:
        _check_positive("ReleasedMargin", variance=self.variance, scale=self.scale, largest=self.largest)

    @torch.no_grad()
    def between(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """N_s margins, each above 0; see :class:`Margin`."""
        n = min(len(strong), len(weak))
        partner = weak[(n - 1 - torch.arange(len(strong), device=weak.device)) % len(weak)]
        below, above, given = (-((partner - x) ** 2) / (2 * self.variance) for x in (-1.0, 1.0, strong))
        term = (given - (torch.logaddexp(below, above) - math.log(2))).mean(1).clamp(0, self.largest)
        k = torch.arange(1, len(strong) + len(weak), device=strong.device, dtype=strong.dtype)
        counts = adaptive_counts(strong, weak, self.scale / k.sqrt())[: len(strong)]
        return term + self.scale / (counts.to(strong.dtype) - 1).clamp(min=1).sqrt()
