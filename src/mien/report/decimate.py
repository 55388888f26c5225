"""Long curves in few points: the median of each stretch of time, and its least and greatest value.

A table of two hours has 200,000 rows; a screen has some 2,000 columns. Up to :data:`POINTS` rows are kept as they are.
Of more, each track's rows are put into bins of one width for all, so wide that about so many bins are filled; of a bin
remain the median of each label, which is no frame's outlier, and the minimum and the maximum, so that no peak is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.table.rows import Floats, Rows, Whole

POINTS = 6000
"""Points that all curves of a report have together, about."""

STALL = 1.0, 10.0
"""Where nothing was looked at for longer than so many seconds and so many usual steps, a curve is broken too."""

MIDDLE, LOW, HIGH, SMOOTH = range(4)
"""Of a bin: the medians, the minima, the maxima, the medians of the smoothed values."""


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of one track: N points, L labels.

    Args:
        times: N, seconds, ascending.
        values: N x 4 x L, by :data:`MIDDLE` and its neighbours; NaN at the points that stand for gaps.
    """

    times: Floats
    values: Floats


class Decimator:
    """Takes the rows of a table in the order of its frames; memory is that of the points.

    Args:
        width: of a bin in seconds; 0 keeps every row.
        step: seconds from one looked-at frame to the next, as a rule.
        kept: the keys of the tracks that have curves.
    """

    def __init__(self, width: float, step: float, kept: Iterable[int]) -> None:
        self.width, self.step, self._kept = width, step, np.array(sorted(kept), np.int64)
        self._looked: list[Whole] = []
        self._points: list[tuple[Whole, Whole, Floats, Floats]] = []
        self._held: Rows | None = None

    def add(self, rows: Rows) -> None:
        """Whole frames, later than those before."""
        if self._held is not None:
            rows = self._held + rows
        places = self._places(rows)
        whole = places < places[-1] if self.width else np.ones(len(places), bool)
        self._held = rows[~whole] if self.width else None
        self._reduce(rows[whole], places[whole])

    def curves(self) -> dict[int, Curves]:
        """What was taken, by the keys of the tracks."""
        if self._held is not None:
            self._reduce(self._held, self._places(self._held))
            self._held = None
        if not self._points:
            return {}
        looked = np.unique(np.concatenate(self._looked))
        keys, places, times, values = (np.concatenate(part) for part in zip(*self._points, strict=True))
        ranks = np.searchsorted(looked, places)
        found = {}
        for key in np.unique(keys):
            mine = keys == key
            found[int(key)] = self._curves(ranks[mine], times[mine], values[mine])
        return found

    def _places(self, rows: Rows) -> Whole:
        """Which bin, or which looked-at frame, a row lies in; ascending."""
        if not self.width:
            return rows.positions
        return rows.inputs * 2**40 + np.floor(rows.times / self.width).astype(np.int64)

    def _reduce(self, rows: Rows, places: Whole) -> None:
        """Each track's rows of one place become a point."""
        self._looked.append(np.unique(places))
        chosen = np.flatnonzero(np.isin(rows.keys, self._kept))
        order = chosen[np.lexsort((places[chosen], rows.keys[chosen]))]
        keys, here, values = rows.keys[order], places[order], rows.values[order]
        if not len(order):
            return
        starts = np.flatnonzero(np.r_[True, (np.diff(keys) != 0) | (np.diff(here) != 0)])
        times = np.add.reduceat(rows.times[order], starts) / np.diff(np.r_[starts, len(order)])
        low, high = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
        middle, smooth = _medians(values, starts), _medians(rows.smooth[order], starts)
        self._points.append((keys[starts], here[starts], times, np.stack([middle, low, high, smooth], 1)))

    def _curves(self, ranks: Whole, times: Floats, values: Floats) -> Curves:
        """One track's points, and two of NaN at the ends of each gap: where a place was looked at without it."""
        seconds, steps = STALL
        stalled = np.diff(times) > max(seconds, steps * self.step, 3 * self.width)
        gaps = np.flatnonzero((np.diff(ranks) > 1) | stalled) + 1
        before, after = times[gaps - 1], times[gaps]
        edge = np.minimum(max(self.step, self.width) / 2, (after - before) / 3)
        times = np.insert(times, np.repeat(gaps, 2), np.stack([before + edge, after - edge], 1).ravel())
        return Curves(times, np.insert(values, np.repeat(gaps, 2), np.nan, axis=0))


def bin_width(seconds: float, rows: int) -> float:
    """The width of bins for this much time of all tracks together; 0 if all rows can be kept."""
    return 0.0 if rows <= POINTS else seconds / POINTS


def _medians(values: Floats, starts: Whole) -> Floats:
    """The median of each stretch of rows that begins at ``starts``, NaN left out, NaN if there is nothing else."""
    if len(starts) == len(values):
        return values
    return np.stack([_median(part) for part in np.split(values, starts[1:])])


def _median(part: Floats) -> NDArray[np.float64]:
    ordered = np.sort(part, axis=0)  # NaN comes last
    count = np.isfinite(ordered).sum(0)
    columns = np.arange(part.shape[1])
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(part) - 1)
    return np.where(count > 0, (ordered[low, columns] + ordered[high, columns]) / 2, np.nan)
