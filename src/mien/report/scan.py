"""The contents of a table for its report, found in two passes over it; memory does not grow with its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.report.decimate import Curves, Decimator, bin_width
from mien.table.frame_rows import FACELESS, Floats, FrameRowReader, FrameRows
from mien.table.reader import AnnotatedTable, TableError
from mien.tasks import Kind, Task

MAX_POINTS = 3000
"""Most faces of pictures that are shown as points."""

MAX_CURVES = 40
"""Most tracks that have curves: those with the most frames."""

PRESENT = 0.5
"""An attribute is present from this probability on."""


@dataclass(frozen=True)
class Peak:
    """The highest value of a label, or the lowest of a continuous one.

    Args:
        label: the column.
        value: its value, smoothed if the table is.
        input, track, frame, time: where it is; ``time`` is in seconds.
        box: x, y, width and height of the face, in pixels of the original.
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
    """A tracked face of a video, or all faces of pictures.

    Args:
        input, name: the input, and the name of the track in it.
        faces: the number of rows.
        seconds: how long it is visible; for pictures, the number of faces.
        first, last: the times of its first and last row in seconds.
        mean: the mean of each label.
        share: the share of time in which each class is the most probable of its task, and each attribute is present.
        quadrants: the share of time in each quadrant of the plane.
        curves: its curves, or None.
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
    """The contents of a table.

    Args:
        tasks: the label space.
        timed: whether the inputs are videos.
        smoothed: whether the table has smoothed values.
        inputs: the names of the inputs.
        frames, empty: the number of sampled frames, and of those without a face.
        first, last: the times of the first and the last frame in seconds.
        step: the usual time between sampled frames in seconds.
        bin: the seconds that a point of the curves covers; 0 for one frame.
        quadrants: the names of the quadrants of the plane of two continuous labels; empty if there is no plane.
        tracks: longest first.
        peaks: the peaks of labels that are ever present, in the order of the labels.
        cloud: N x L, an even sample of the faces of pictures; empty for videos.
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
    """The first pass: counts and times."""

    frames: int = 0
    empty: int = 0
    first: float = np.inf
    last: float = -np.inf
    steps: list[Floats] = field(default_factory=list)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, rows: FrameRows) -> None:
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


class _TrackSums:
    """Sums over the rows of each track, weighted by the time for which each row is visible."""

    def __init__(self, tasks: Sequence[Task], tracks: int) -> None:
        self._tasks = tasks
        labels = sum(map(len, tasks))
        self.values, self.present = np.zeros((tracks, labels)), np.zeros((tracks, labels))
        self.seconds, self.labelled = np.zeros(tracks), np.zeros(tracks)
        self.first, self.last = np.full(tracks, np.inf), np.full(tracks, -np.inf)
        names = [label for task in tasks for label in task.labels]
        axes = [label for task in tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
        self._axes = [names.index(axis) for axis in axes] if len(axes) == 2 else []
        self.names = [f"{axes[0]} {x}, {axes[1]} {y}" for x in "+-" for y in "+-"] if self._axes else []
        self.quadrants = np.zeros((tracks, len(self.names)))

    def add(self, rows: FrameRows) -> None:
        rows = rows[rows.keys != FACELESS]
        np.add.at(self.seconds, rows.keys, rows.spans)
        np.minimum.at(self.first, rows.keys, rows.times)
        np.maximum.at(self.last, rows.keys, rows.times)
        rows = rows[np.asarray(np.isfinite(rows.values).all(axis=1))]
        np.add.at(self.labelled, rows.keys, rows.spans)
        np.add.at(self.values, rows.keys, rows.shown * rows.spans[:, None])
        np.add.at(self.present, rows.keys, present(rows.shown, self._tasks) * rows.spans[:, None])
        if self._axes:
            right, up = (rows.shown[:, axis] >= 0 for axis in self._axes)
            np.add.at(self.quadrants, (rows.keys, 2 * ~right + ~up), rows.spans)


class _Peaks:
    """The highest value of each label, and the lowest of continuous labels."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._signs = [
            (column, label, sign)
            for column, (task, label) in enumerate((task, label) for task in tasks for label in task.labels)
            for sign in ((1, -1) if task.kind is Kind.CONTINUOUS else (1,))
        ]
        self.found: dict[tuple[str, int], tuple[float, FrameRows]] = {}

    def add(self, rows: FrameRows) -> None:
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
                self.found[label, sign] = float(signed[best]), rows[np.array([best])]

    def list(self, inputs: Sequence[str], tracks: Sequence[tuple[int, str]]) -> list[Peak]:
        """The peaks, in the order of the labels."""
        peaks = []
        for label, sign in ((label, sign) for _, label, sign in self._signs if (label, sign) in self.found):
            value, row = self.found[label, sign]
            x, y, width, height = map(float, row.boxes[0])
            where = inputs[int(row.inputs[0])], tracks[int(row.keys[0])][1]
            peaks.append(
                Peak(label, sign * value, *where, int(row.frames[0]), float(row.times[0]), (x, y, width, height))
            )
        return peaks


def present(values: Floats, tasks: Sequence[Task]) -> NDArray[np.bool_]:
    """N x L: whether a class is the most probable, or an attribute is present; always true for continuous labels."""
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
    """Scan a table for its report; reads it twice.

    Raises:
        TableError: if the table is empty or damaged.
    """
    survey = _Survey()
    for rows in FrameRowReader(table, values=False):
        survey.add(rows)
    if not survey.frames:
        raise TableError(f"{table.path}: the table is empty")
    longest_first = np.argsort(-survey.rows, kind="stable")
    curved = longest_first[:MAX_CURVES].tolist()
    faces = int(survey.rows[curved].sum())
    width = bin_width(survey.step * faces, faces) if table.timed else 0.0
    decimator = Decimator(width, survey.step, curved) if table.timed else None
    reader, sums, peaks = FrameRowReader(table), _TrackSums(table.tasks, len(survey.rows)), _Peaks(table.tasks)
    cloud = [np.zeros((0, len(reader.labels)))]
    for rows in reader:
        sums.add(rows)
        peaks.add(rows)
        if decimator is not None:
            decimator.add(rows)
        else:
            cloud.append(rows[rows.keys != FACELESS].values[:: max(1, -(-faces // MAX_POINTS))])
    curves = decimator.curves() if decimator is not None else {}
    inputs, names = list(reader.inputs), list(reader.tracks)
    return Scan(
        tasks=table.tasks,
        timed=table.timed,
        smoothed=any(name.endswith("_smooth") for name in table.names),
        inputs=inputs,
        frames=survey.frames,
        empty=survey.empty,
        first=survey.first,
        last=survey.last,
        step=survey.step,
        bin=width,
        quadrants=sums.names,
        tracks=[_track(key, names[key], inputs, survey, sums, reader.labels, curves) for key in longest_first.tolist()],
        peaks=peaks.list(inputs, names),
        cloud=np.concatenate(cloud),
    )


def _track(
    key: int,
    name: tuple[int, str],
    inputs: Sequence[str],
    survey: _Survey,
    sums: _TrackSums,
    labels: Sequence[str],
    curves: Mapping[int, Curves],
) -> Track:
    """The track of a key; ``name`` is the index of its input and its name."""
    seconds = sums.labelled[key]
    known = seconds > 0
    return Track(
        input=inputs[name[0]],
        name=name[1],
        faces=int(survey.rows[key]),
        seconds=float(sums.seconds[key]),
        first=float(sums.first[key]),
        last=float(sums.last[key]),
        mean=dict(zip(labels, (sums.values[key] / seconds).tolist(), strict=True)) if known else {},
        share=dict(zip(labels, (sums.present[key] / seconds).tolist(), strict=True)) if known else {},
        quadrants=(sums.quadrants[key] / seconds).tolist() if known else [],
        curves=curves.get(key),
    )
