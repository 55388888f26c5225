"""What a report tells of a table, found in two passes over it; memory does not grow with its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.report.decimate import Curves, Decimator, bin_width
from mien.table.reader import AnnotatedTable, TableError
from mien.table.rows import FACELESS, Floats, Reader, Rows
from mien.tasks import Kind, Task

CLOUD = 3000
"""So many faces of pictures at most are points in a report."""

CURVED = 40
"""So many tracks, those with the most frames, have curves."""

PRESENT = 0.5
"""An attribute is there from this probability on."""


@dataclass(frozen=True)
class Peak:
    """Where a label is greatest (or a continuous one least).

    Args:
        label: the column.
        value: smoothed, if the table is.
        input, track, frame, time: where.
        box: of the face, in pixels of the original.
    """

    label: str
    value: float
    input: str
    track: str
    frame: int
    time: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Track:
    """A face through its video, or all faces of pictures.

    Args:
        input, name: whose.
        faces: how many rows.
        seconds: for how long it was seen; the number of faces of pictures.
        first, last: seconds.
        mean: of each label.
        share: of the time, for which each class is the most probable one of its task, and each attribute present.
        quadrants: of the time, in each quadrant of the plane.
        curves: None without.
    """

    input: str
    name: str
    faces: int
    seconds: float
    first: float
    last: float
    mean: Mapping[str, float]
    share: Mapping[str, float]
    quadrants: Sequence[float]
    curves: Curves | None


@dataclass(frozen=True, eq=False)
class Scan:
    """A table's contents.

    Args:
        tasks: the label space.
        timed: whether it is of a video.
        smoothed: whether it has smoothed values.
        inputs: names.
        frames, empty: looked at, and how many of them without a face.
        first, last: seconds.
        step: seconds from one looked-at frame to the next, as a rule.
        bin: seconds that a point of the curves stands for; 0: a frame.
        quadrants: of the plane of two continuous labels, what they are called; none without.
        tracks: the longest first.
        peaks: in the order of the labels; only of those that are ever present.
        cloud: N x L, faces of pictures, evenly thinned out; none of a video.
    """

    tasks: Sequence[Task]
    timed: bool
    smoothed: bool
    inputs: Sequence[str]
    frames: int
    empty: int
    first: float
    last: float
    step: float
    bin: float
    quadrants: Sequence[str]
    tracks: Sequence[Track]
    peaks: Sequence[Peak]
    cloud: Floats


@dataclass
class _Survey:
    """The first pass: how much there is of what."""

    frames: int = 0
    empty: int = 0
    first: float = np.inf
    last: float = -np.inf
    steps: list[Floats] = field(default_factory=list)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, rows: Rows) -> None:
        starts = np.flatnonzero(np.r_[True, np.diff(rows.positions) != 0])
        self.frames += len(starts)
        self.empty += int((rows.keys[starts] == FACELESS).sum())
        self.first, self.last = min(self.first, rows.times.min()), max(self.last, rows.times.max())
        self.steps.append(np.median(rows.spans[starts], keepdims=True))
        counts = np.bincount(rows.keys[rows.keys != FACELESS], minlength=len(self.rows))
        counts[: len(self.rows)] += self.rows
        self.rows = counts

    @property
    def step(self) -> float:
        return float(np.median(np.concatenate(self.steps)))


class _Sums:
    """Sums over the rows of each track, weighted by the time that they are shown."""

    def __init__(self, tasks: Sequence[Task], tracks: int) -> None:
        self._tasks = tasks
        labels = sum(map(len, tasks))
        self.values, self.present = np.zeros((tracks, labels)), np.zeros((tracks, labels))
        self.seconds, self.read = np.zeros(tracks), np.zeros(tracks)
        self.first, self.last = np.full(tracks, np.inf), np.full(tracks, -np.inf)
        names = [label for task in tasks for label in task.labels]
        axes = [label for task in tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
        self._axes = [names.index(axis) for axis in axes] if len(axes) == 2 else []
        self.names = [f"{axes[0]} {x}, {axes[1]} {y}" for x in "+-" for y in "+-"] if self._axes else []
        self.quadrants = np.zeros((tracks, len(self.names)))

    def add(self, rows: Rows) -> None:
        rows = rows[rows.keys != FACELESS]
        np.add.at(self.seconds, rows.keys, rows.spans)
        np.minimum.at(self.first, rows.keys, rows.times)
        np.maximum.at(self.last, rows.keys, rows.times)
        rows = rows[np.asarray(np.isfinite(rows.values).all(axis=1))]
        np.add.at(self.read, rows.keys, rows.spans)
        np.add.at(self.values, rows.keys, rows.shown * rows.spans[:, None])
        np.add.at(self.present, rows.keys, present(rows.shown, self._tasks) * rows.spans[:, None])
        if self._axes:
            right, up = (rows.shown[:, axis] >= 0 for axis in self._axes)
            np.add.at(self.quadrants, (rows.keys, 2 * ~right + ~up), rows.spans)


class _Peaks:
    """The greatest value of each label, and the least of continuous ones."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._signs = [
            (column, label, sign)
            for column, (task, label) in enumerate((task, label) for task in tasks for label in task.labels)
            for sign in ((1, -1) if task.kind is Kind.CONTINUOUS else (1,))
        ]
        self.found: dict[tuple[str, int], tuple[float, int, Rows]] = {}

    def add(self, rows: Rows) -> None:
        rows = rows[(rows.keys != FACELESS) & np.isfinite(rows.values).all(axis=1)]
        if not len(rows):
            return
        values = rows.shown
        shown = present(values, self._tasks)
        for column, label, sign in self._signs:
            signed = np.where(shown[:, column], sign * values[:, column], -np.inf)
            best = int(signed.argmax())
            known = self.found.get((label, sign))
            if np.isfinite(signed[best]) and (known is None or signed[best] > known[0]):
                self.found[label, sign] = float(signed[best]), sign, rows[np.array([best])]

    def list(self, inputs: Sequence[str], tracks: Sequence[tuple[int, str]]) -> list[Peak]:
        """In the order of the labels."""
        wanted = [(label, sign) for _, label, sign in self._signs if (label, sign) in self.found]
        peaks = []
        for label, sign in wanted:
            value, _, row = self.found[label, sign]
            x, y, width, height = map(float, row.boxes[0])
            where = inputs[int(row.inputs[0])], tracks[int(row.keys[0])][1]
            peaks.append(
                Peak(label, sign * value, *where, int(row.frames[0]), float(row.times[0]), (x, y, width, height))
            )
        return peaks


def present(values: Floats, tasks: Sequence[Task]) -> NDArray[np.bool_]:
    """N x L: whether a class is the most probable one, an attribute is there; continuous values always are."""
    shown, start = np.ones(values.shape, bool), 0
    for task in tasks:
        part = values[:, start : start + len(task)]
        if task.kind is Kind.CLASSES:
            shown[:, start : start + len(task)] = np.arange(len(task)) == part.argmax(1)[:, None]
        elif task.kind is Kind.ATTRIBUTES:
            shown[:, start : start + len(task)] = part >= PRESENT
        start += len(task)
    return shown


def scan(table: AnnotatedTable) -> Scan:
    """Read a table twice.

    Raises:
        TableError: if it has no rows or is damaged.
    """
    survey, reader = _Survey(), Reader(table, values=False)
    for rows in reader:
        survey.add(rows)
    if not survey.frames:
        raise TableError(f"{table.path}: the table is empty")
    step = survey.step
    order = np.argsort(-survey.rows, kind="stable")
    kept = order[:CURVED]
    faces = int(survey.rows[kept].sum())
    width = bin_width(step * faces, faces) if table.timed else 0.0
    reader, sums, peaks = Reader(table), _Sums(table.tasks, len(survey.rows)), _Peaks(table.tasks)
    decimator = Decimator(width, step, kept.tolist()) if table.timed else None
    cloud = [np.zeros((0, len(reader.labels)))]
    for rows in reader:
        sums.add(rows)
        peaks.add(rows)
        if decimator is not None:
            decimator.add(rows)
        else:
            seen = rows[rows.keys != FACELESS]
            cloud.append(seen.values[:: max(1, -(-faces // CLOUD))])
    curves = decimator.curves() if decimator is not None else {}
    inputs, names = list(reader.inputs), list(reader.tracks)
    return Scan(
        table.tasks,
        table.timed,
        any(name.endswith("_smooth") for name in table.names),
        inputs,
        survey.frames,
        survey.empty,
        survey.first,
        survey.last,
        step,
        width,
        sums.names,
        [_track(key, names[key], inputs, survey, sums, reader.labels, curves) for key in order],
        peaks.list(inputs, names),
        np.concatenate(cloud),
    )


def _track(
    key: int,
    named: tuple[int, str],
    inputs: Sequence[str],
    survey: _Survey,
    sums: _Sums,
    labels: Sequence[str],
    curves: Mapping[int, Curves],
) -> Track:
    read = sums.read[key]
    known = read > 0
    return Track(
        inputs[named[0]],
        named[1],
        int(survey.rows[key]),
        float(sums.seconds[key]),
        float(sums.first[key]),
        float(sums.last[key]),
        dict(zip(labels, (sums.values[key] / read).tolist(), strict=True)) if known else {},
        dict(zip(labels, (sums.present[key] / read).tolist(), strict=True)) if known else {},
        (sums.quadrants[key] / read).tolist() if known else [],
        curves.get(int(key)),
    )
