"""Smoothing: a median along each track, as papers/003 does it for video, and if wanted an exponential one behind it.

papers/003, 4.3: "we performed median filtering of the - per frame - predictions". It gives no window. Ours is counted
in looked-at frames, not in seconds: a median is about order and not about time. It takes out what lasts fewer than
``(window + 1) / 2`` frames, at any rate and at a changing one; a window in seconds would hold one frame of a slow video
and so do nothing to its outliers. Who thinks in seconds has the time constant of the exponential filter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.table.columns import NOBODY, SUFFIX, numbers, require
from mien.tasks import Kind, Task

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

WINDOW = 5
"""Looked-at frames of the median: what lasts one or two frames (80 ms at 25 frames/s) goes, what lasts three stays."""


@dataclass(frozen=True)
class _Rows:
    """Rows as arrays: the position of the frame among those looked at, seconds, track, labels (N x L)."""

    positions: Whole
    times: Floats
    tracks: Whole
    values: Floats

    def __add__(self, other: _Rows) -> _Rows:
        return _Rows(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__annotations__))

    def __getitem__(self, rows: slice) -> _Rows:
        return _Rows(*(getattr(self, name)[rows] for name in self.__annotations__))


class Smoother:
    """Record batches of one video in, the same rows with smoothed columns out; nothing is held but a few frames.

    Beside each label ``L`` stands ``L_smooth``, beside the word of a task of classes its smoothed word; raw columns are
    as they were. Smoothed classes are scaled to the sum 1. Rows without a track have no smoothed value, nor have those
    without a value of every label.

    The median of a row is taken over what its track has in the ``window`` looked-at frames around it. So it is over
    fewer values at the ends of a track and beside a gap, and nothing reaches over a gap of ``window // 2`` frames or
    more; of an even number of values it is the mean of the middle two. Classes whose medians are all 0 keep their raw
    values.

    Then ``y = a y' + (1 - a) x`` with ``a = exp(-seconds since the row before / constant)``, which is exact for any
    times if x held since the row before. It looks back only, so it lags by about its constant. A track that missed a
    frame and was away for longer than the constant begins anew.

    Args:
        schema: of the batches: ``frame``, ``time``, ``track`` and the labels. Rows are in the order of frames, each
            looked-at frame has a row, and a track one a frame at most.
        tasks: whose labels are smoothed.
        window: of the median, odd, in looked-at frames; 1 for none.
        constant: of the exponential filter, in seconds; None for none.

    Attributes:
        schema: of what comes out; its metadata has the settings under ``smoothing``.

    Raises:
        ValueError: if a setting is out of range or a column is missing or would stand twice.
    """

    def __init__(
        self, schema: pa.Schema, tasks: Sequence[Task], *, window: int = WINDOW, constant: float | None = None
    ) -> None:
        if window < 1 or window % 2 == 0:
            raise ValueError(f"the window of the median must be an odd number of frames, not {window}")
        if constant is not None and not constant > 0:
            raise ValueError(f"the time constant must be more than 0 seconds, not {constant:g}")
        self._reach, self._constant = window // 2, constant
        ends = np.cumsum([len(task) for task in tasks]).tolist()
        self._parts = [(task, slice(end - len(task), end)) for task, end in zip(tasks, ends, strict=True)]
        self._labels = [label for task in tasks for label in task.labels]
        require(schema, ("frame", "time", "track", *self._labels), "there is nothing to smooth along")
        self.schema = _smooth_schema(schema, tasks, window, constant)

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The smoothed rows, as early as they are certain: ``window // 2 + 1`` frames later.

        How the rows are cut into batches makes no difference to them.
        """
        known = _Rows(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, len(self._labels))))
        waiting: pa.Table | None = None
        frame, position = None, -1
        filtered = _Exponential(self._constant)
        for batch in batches:
            if batch.num_rows == 0:
                continue
            frames = np.asarray(batch["frame"])
            steps = np.diff(frames, prepend=frames[0] if frame is None else frame) != 0
            positions = np.maximum(position, 0) + np.cumsum(steps)
            frame, position = frames[-1], int(positions[-1])
            known += self._rows(batch, positions)
            waiting = pa.Table.from_batches([*(waiting.to_batches() if waiting else ()), batch])
            # The newest frame may go on in the next batch, so it is not yet one that others can be certain of.
            end = int(np.searchsorted(known.positions, position - self._reach))
            start = len(known.positions) - waiting.num_rows
            if end > start:
                yield self._smoothed(waiting.slice(0, end - start), known, start, end, filtered)
                waiting = waiting.slice(end - start)
                known = known[int(np.searchsorted(known.positions, known.positions[end] - self._reach)) :]
        if waiting:
            yield self._smoothed(
                waiting, known, len(known.positions) - waiting.num_rows, len(known.positions), filtered
            )

    def _rows(self, batch: pa.RecordBatch, positions: Whole) -> _Rows:
        values = np.stack([numbers(batch[label]) for label in self._labels], 1)
        tracks = np.where(np.isfinite(values).all(1), np.nan_to_num(numbers(batch["track"]), nan=NOBODY), NOBODY)
        return _Rows(positions, numbers(batch["time"]), tracks.astype(np.int64), values)

    def _smoothed(self, table: pa.Table, known: _Rows, start: int, end: int, filtered: _Exponential) -> pa.RecordBatch:
        """The rows ``start`` to ``end`` of what is known, which are those of the table."""
        values = _medians(known, start, end, self._reach)
        for task, part in self._parts:
            if task.kind is Kind.CLASSES:
                totals, raw = values[:, part].sum(1, keepdims=True), known.values[start:end, part]
                values[:, part] = np.divide(values[:, part], totals, out=raw.copy(), where=totals > 0)
        filtered(known[start:end], values)
        absent = known.tracks[start:end] == NOBODY
        columns = {name: table[name].combine_chunks() for name in table.column_names}
        for task, part in self._parts:
            for label, column in zip(task.labels, values[:, part].T, strict=True):
                columns[label + SUFFIX] = pa.array(column.astype(np.float32), mask=absent)
            if task.kind is Kind.CLASSES:
                words = np.array(task.labels, object)[values[:, part].argmax(1)]
                columns[task.name + SUFFIX] = pa.array(words, pa.string(), mask=absent)
        return pa.record_batch([columns[name] for name in self.schema.names], self.schema)


class _Exponential:
    """The exponential filter and what it remembers of each track: position, seconds, values."""

    def __init__(self, constant: float | None) -> None:
        self._constant = constant
        self._before: dict[int, tuple[int, float, Floats]] = {}

    def __call__(self, rows: _Rows, values: Floats) -> None:
        """Filter ``values`` of rows with a track, in place."""
        if self._constant is None:
            return
        for index in np.flatnonzero(rows.tracks != NOBODY):
            track, position, time = int(rows.tracks[index]), int(rows.positions[index]), float(rows.times[index])
            before = self._before.get(track)
            if before is not None and not self._over(before, position, time):
                kept = np.exp(-max(time - before[1], 0) / self._constant)
                values[index] = kept * before[2] + (1 - kept) * values[index]
            self._before[track] = (position, time, values[index].copy())
        now, clock = int(rows.positions[-1]), float(rows.times[-1])
        self._before = {track: before for track, before in self._before.items() if not self._over(before, now, clock)}

    def _over(self, before: tuple[int, float, Floats], position: int, time: float) -> bool:
        """Whether a track that comes back now begins anew."""
        return position - before[0] > 1 and time - before[1] > (self._constant or 0)


def _medians(known: _Rows, start: int, end: int, reach: int) -> Floats:
    """N x L: of each row from ``start`` to ``end`` the median of its track over ``reach`` frames on both sides."""
    width = known.values.shape[1]
    medians = np.full((end - start, width), np.nan)
    rows = np.flatnonzero(known.tracks[start:end] != NOBODY)
    if len(rows) == 0:
        return medians
    places = known.positions - known.positions[0] + reach
    # One number for a track in a frame: d frames later it is d more. Places are beyond the reach, so that no track runs
    # into the next.
    keys = known.tracks * (places[-1] + 1) + places
    order = np.argsort(keys, kind="stable")
    order = order[known.tracks[order] != NOBODY]
    values = np.full((2 * reach + 1, len(rows), width), np.nan)
    for offset in range(-reach, reach + 1):
        sought = keys[start + rows] + offset
        found = order[np.minimum(np.searchsorted(keys[order], sought), len(order) - 1)]
        there = keys[found] == sought
        values[offset + reach, there] = known.values[found[there]]
    count = np.isfinite(values[:, :, 0]).sum(0)
    values.sort(0)  # NaN comes last
    each = np.arange(len(rows))
    medians[rows] = (values[(count - 1) // 2, each] + values[count // 2, each]) / 2
    return medians


def _smooth_schema(schema: pa.Schema, tasks: Sequence[Task], window: int, constant: float | None) -> pa.Schema:
    how = f"the median over {window} looked-at frames of its track" if window > 1 else ""
    behind = f"exponentially with a time constant of {constant:g} s" if constant is not None else ""
    manner = ", then ".join(filter(None, (how, behind))) or "nothing changed"
    labels = {label for task in tasks for label in task.labels}
    words = {task.name for task in tasks if task.kind is Kind.CLASSES}
    fields = []
    for field in schema:
        fields.append(field)
        if field.name in labels or field.name in words:
            meaning = (field.metadata or {}).get(b"meaning", b"").decode()
            metadata = {**(field.metadata or {}), b"meaning": f"{meaning}, smoothed: {manner}".encode()}
            fields.append(pa.field(field.name + SUFFIX, field.type, metadata=metadata))
    names = [field.name for field in fields]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the table would have two columns named {', '.join(twice)}")
    settings = json.dumps({"window": window, "constant": constant})
    return pa.schema(fields, {**(schema.metadata or {}), b"smoothing": settings.encode()})
