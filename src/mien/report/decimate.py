"""Long curves in few points: the median, the minimum and the maximum of each bin of time.

The table of a two-hour video has 200,000 rows; a screen has about 2,000 columns. Up to :data:`POINTS` rows are kept as
they are. If there are more, the rows of each track are put into bins of one width, chosen so that about that many bins
are filled. Each bin keeps the median of each label, which ignores outliers, and the minimum and the maximum, so that no
peak is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.table.frame_rows import Floats, FrameRows, Whole

POINTS = 6000
"""Approximate total number of points of the curves in a report."""

PAUSE = 1.0, 10.0
"""A curve also has a gap where no frame was sampled for more than this many seconds, and this many usual steps."""

MIDDLE, LOW, HIGH, SMOOTH = range(4)
"""The values of a bin: medians, minima, maxima, and medians of the smoothed values."""


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of one track: N points, L labels.

    Args:
        times: N, seconds, ascending.
        values: N x 4 x L, indexed by :data:`MIDDLE`, :data:`LOW`, :data:`HIGH` and :data:`SMOOTH`; NaN at the ends of
            gaps.
    """

    times: Floats
    values: Floats


class Decimator:
    """Reduces the rows of a table, given in the order of its frames; only the points are in memory.

    Args:
        width: width of a bin in seconds; 0 keeps every row.
        step: the usual time between sampled frames in seconds.
        kept: the keys of the tracks that have curves.
    """

    def __init__(self, width: float, step: float, kept: Iterable[int]) -> None:
        self.width, self.step, self._kept = width, step, np.array(sorted(kept), np.int64)
        self._sampled: list[Whole] = []
        self._points: list[tuple[Whole, Whole, Floats, Floats]] = []
        self._held: FrameRows | None = None

    def add(self, rows: FrameRows) -> None:
        """Add whole frames, later than all previous ones."""
        if self._held is not None:
            rows = self._held + rows
        bins = self._bins(rows)
        complete = bins < bins[-1] if self.width else np.ones(len(bins), bool)
        self._held = rows[~complete] if self.width else None
        self._reduce(rows[complete], bins[complete])

    def curves(self) -> dict[int, Curves]:
        """The curves of everything added, by the keys of the tracks."""
        if self._held is not None:
            self._reduce(self._held, self._bins(self._held))
            self._held = None
        if not self._points:
            return {}
        sampled = np.unique(np.concatenate(self._sampled))
        keys, bins, times, values = (np.concatenate(part) for part in zip(*self._points, strict=True))
        ranks = np.searchsorted(sampled, bins)
        found = {}
        for key in np.unique(keys):
            mine = keys == key
            found[int(key)] = self._curves(ranks[mine], times[mine], values[mine])
        return found

    def _bins(self, rows: FrameRows) -> Whole:
        """The bin of each row, or its frame if there are no bins; ascending."""
        if not self.width:
            return rows.positions
        return rows.inputs * 2**40 + np.floor(rows.times / self.width).astype(np.int64)

    def _reduce(self, rows: FrameRows, bins: Whole) -> None:
        """Turn the rows of each track and bin into a point."""
        self._sampled.append(np.unique(bins))
        chosen = np.flatnonzero(np.isin(rows.keys, self._kept))
        order = chosen[np.lexsort((bins[chosen], rows.keys[chosen]))]
        keys, bins, values = rows.keys[order], bins[order], rows.values[order]
        if not len(order):
            return
        starts = np.flatnonzero(np.r_[True, (np.diff(keys) != 0) | (np.diff(bins) != 0)])
        times = np.add.reduceat(rows.times[order], starts) / np.diff(np.r_[starts, len(order)])
        low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
        middle, smooth = _medians(values, starts), _medians(rows.smooth[order], starts)
        self._points.append((keys[starts], bins[starts], times, np.stack([middle, low, high, smooth], 1)))

    def _curves(self, ranks: Whole, times: Floats, values: Floats) -> Curves:
        """The points of a track, with two of NaN in each gap: sampled bins without this track, or a pause."""
        seconds, steps = PAUSE
        paused = np.diff(times) > max(seconds, steps * self.step, 3 * self.width)
        gaps = np.flatnonzero((np.diff(ranks) > 1) | paused) + 1
        before, after = times[gaps - 1], times[gaps]
        edge = np.minimum(max(self.step, self.width) / 2, (after - before) / 3)
        times = np.insert(times, np.repeat(gaps, 2), np.stack([before + edge, after - edge], 1).ravel())
        return Curves(times, np.insert(values, np.repeat(gaps, 2), np.nan, axis=0))


def bin_width(seconds: float, rows: int) -> float:
    """The width of a bin in seconds, for the total time of all tracks; 0 if all rows can be kept."""
    return 0.0 if rows <= POINTS else seconds / POINTS


def _medians(values: Floats, starts: Whole) -> Floats:
    """The median of each group of rows, which start at ``starts``; NaN is ignored unless there is nothing else."""
    if len(starts) == len(values):
        return values
    return np.stack([_median(part) for part in np.split(values, starts[1:])])


def _median(part: Floats) -> NDArray[np.float64]:
    ordered = np.sort(part, axis=0)  # NaN comes last
    count = np.isfinite(ordered).sum(0)
    columns = np.arange(part.shape[1])
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(part) - 1)
    return np.where(count > 0, (ordered[low, columns] + ordered[high, columns]) / 2, np.nan)
