"""Running sums over the rows of a track, whose size does not grow with the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.table.summary_schema import QUADRANTS, plane
from mien.tasks import Kind, Task

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class RowArrays:
    """N rows as arrays.

    Args:
        frame: number of the frame in the video.
        position: its position among the sampled frames.
        time: its time in seconds.
        lasts: seconds until the next sampled frame.
        track: number of the track; NO_TRACK without one.
        score: the detector's confidence.
        values: N x L labels.
    """

    frame: NDArray[np.int64]
    position: NDArray[np.int64]
    time: Floats
    lasts: Floats
    track: NDArray[np.int64]
    score: Floats
    values: Floats

    def __getitem__(self, rows: Any) -> RowArrays:
        return RowArrays(*(getattr(self, each.name)[rows] for each in fields(self)))

    def __add__(self, other: RowArrays) -> RowArrays:
        return RowArrays(
            *(np.concatenate([getattr(self, each.name), getattr(other, each.name)]) for each in fields(self))
        )


class Sums:
    """Sums over the rows of a track; :meth:`merge` adds those of another.

    Attributes:
        rows, seconds, score: number of rows, their total duration, and the sum of their scores.
        first, last: (frame, time) of the first and last row; None without rows.
        mean, squares: L, the mean of the values, and the sum of squared distances to it.
        held: L, seconds for which a label is on.
        episodes: L, number of onsets.
        quadrants: 4, seconds in each, of the first task with a plane.
    """

    def __init__(self, labels: int) -> None:
        self.rows, self.seconds, self.score = 0, 0.0, 0.0
        self.first: tuple[int, float] | None = None
        self.last: tuple[int, float] | None = None
        self.mean, self.squares, self.held = np.zeros(labels), np.zeros(labels), np.zeros(labels)
        self.episodes, self.quadrants = np.zeros(labels, np.int64), np.zeros(len(QUADRANTS))
        self._before = (0, -np.inf, np.zeros(labels, bool))

    def add(self, rows: RowArrays, on: Bools, quadrants: Bools, pause: float) -> None:
        """Add rows of the track.

        Args:
            rows: at least one, in the order of frames.
            on: N x L, whether a label is on.
            quadrants: N x 4, or N x 0.
            pause: seconds for which a track may be lost without ending an episode.
        """
        position, time, was = self._before
        positions, times = np.r_[position, rows.position], np.r_[time, rows.time]
        stays = (np.diff(positions) == 1) | (np.diff(times) <= pause)
        before = np.vstack([was[None], on[:-1]]) & stays[:, None]
        self.episodes += (on & ~before).sum(0)
        self._before = (int(positions[-1]), float(times[-1]), on[-1].copy())
        self._moments(len(rows.time), rows.values.mean(0), ((rows.values - rows.values.mean(0)) ** 2).sum(0))
        self.seconds += float(rows.lasts.sum())
        self.score += float(rows.score.sum())
        self.held += rows.lasts @ on
        self.quadrants[: quadrants.shape[1]] += rows.lasts @ quadrants
        self.first = self.first or (int(rows.frame[0]), float(rows.time[0]))
        self.last = (int(rows.frame[-1]), float(rows.time[-1]))

    def merge(self, other: Sums) -> None:
        """Add the sums over other rows, except ``first`` and ``last``."""
        self._moments(other.rows, other.mean, other.squares)
        for name in ("seconds", "score", "held", "episodes", "quadrants"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def _moments(self, rows: int, mean: Floats, squares: Floats) -> None:
        """Combine the moments of both parts, without the cancellation of a plain sum of squares."""
        total = self.rows + rows
        if rows:
            shift = mean - self.mean
            self.squares = self.squares + squares + shift**2 * (self.rows * rows / total)
            self.mean = self.mean + shift * (rows / total)
        self.rows = total


class LabelStatistics:
    """The statistics of each label of a label space.

    Args:
        tasks: the label space.
        thresholds: attribute -> probability from which it is on.
    """

    def __init__(self, tasks: Sequence[Task], thresholds: Mapping[str, float]) -> None:
        ends = np.cumsum([len(task) for task in tasks]).tolist()
        self._parts = [(task, slice(end - len(task), end)) for task, end in zip(tasks, ends, strict=True)]
        self._thresholds = thresholds
        self.labels = [label for task in tasks for label in task.labels]

    def on(self, values: Floats) -> Bools:
        """N x L: whether a class is the most probable one, or an attribute reaches its threshold; False for values."""
        on = np.zeros(values.shape, bool)
        for task, part in self._parts:
            if task.kind is Kind.CLASSES:
                on[np.arange(len(values)), part.start + values[:, part].argmax(1)] = True
            elif task.kind is Kind.ATTRIBUTES:
                # values are float32, so the threshold is too: 0.3 in the table reaches 0.3
                on[:, part] = values[:, part] >= np.array(
                    [self._thresholds[label] for label in task.labels], np.float32
                )
        return on

    def quadrants(self, values: Floats) -> Bools:
        """N x 4, in the order of :data:`QUADRANTS`; N x 0 if no task has a plane."""
        for task, part in self._parts:
            if found := plane(task):
                positive, active = (values[:, part.start + at] >= 0 for at in found)
                sides = (positive & active, ~positive & active, ~positive & ~active, positive & ~active)
                return np.stack(sides, 1)
        return np.zeros((len(values), 0), bool)

    def row(self, sums: Sums) -> dict[str, Any]:
        """The columns of the labels and the score."""
        row: dict[str, Any] = {"score_mean": sums.score / sums.rows if sums.rows else None}
        for task, part in self._parts:
            if task.kind is Kind.CLASSES and sums.seconds:
                row[task.name] = task.labels[int(sums.held[part].argmax())]
            if plane(task):
                for name, seconds in zip(QUADRANTS, sums.quadrants.tolist(), strict=True):
                    row |= {f"{name}_seconds": seconds, f"{name}_share": _ratio(seconds, sums.seconds)}
            for at, label in enumerate(task.labels, part.start):
                row[f"{label}_mean"] = float(sums.mean[at]) if sums.rows else None
                row[f"{label}_sd"] = float(np.sqrt(sums.squares[at] / (sums.rows - 1))) if sums.rows > 1 else None
                row[f"{label}_share"] = _ratio(float(sums.held[at]), sums.seconds)
                row[f"{label}_episodes"] = int(sums.episodes[at])
        return row


def _ratio(part: float, whole: float) -> float | None:
    return min(part / whole, 1.0) if whole else None  # sums in different orders may differ in the last digit
