"""Smoothing: a median along each track, as in papers/003, then optionally an exponential filter.

papers/003, 4.3: "we performed median filtering of the - per frame - predictions". It gives no window. Ours is counted
in sampled frames, not in seconds, because a median depends on order and not on time. It removes values that last fewer
than ``(window + 1) / 2`` frames, at any frame rate, constant or not; in a slow video, a window in seconds would hold
one frame and so keep its outliers. The time constant of the exponential filter is in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.table.columns import NO_TRACK, SUFFIX, numbers, require
from mien.tasks import Kind, Task

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

WINDOW = 5
"""Window of the median in sampled frames: it removes values that last one or two (80 ms at 25 frames/s), not three."""


@dataclass(frozen=True)
class _Rows:
    """Rows as arrays: position of the frame among the sampled ones, seconds, track, labels (N x L)."""

    positions: Whole
    times: Floats
    tracks: Whole
    values: Floats

    def __add__(self, other: _Rows) -> _Rows:
        return _Rows(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__annotations__))

    def __getitem__(self, rows: slice) -> _Rows:
        return _Rows(*(getattr(self, name)[rows] for name in self.__annotations__))


class Smoother:
    """Adds smoothed columns to the record batches of a video; only a few frames are in memory.

    Each label ``L`` is followed by ``L_smooth``, and the column with the most probable class by its smoothed version;
    raw columns are unchanged. Smoothed classes are scaled to sum to 1. Rows without a track, or without a value of
    every label, have no smoothed value.

    The median of a row is over the values of its track in the ``window`` sampled frames around it. So it is over fewer
    values at the ends of a track and next to a gap, and it does not span a gap of ``window // 2`` frames or more; of an
    even number of values it is the mean of the middle two. Classes whose medians are all 0 keep their raw values.

    Then ``y = a y' + (1 - a) x`` with ``a = exp(-seconds since the previous row / constant)``, which is exact for any
    times if x was constant since the previous row. It uses past values only, so it lags by about its constant. A track
    that missed a frame and was absent for longer than the constant starts over.

    Args:
        schema: the schema of the batches: ``frame``, ``time``, ``track`` and the labels. Rows are in the order of
            frames; each sampled frame has a row, and a track has at most one row per frame.
        tasks: the tasks whose labels are smoothed.
        window: window of the median in sampled frames, odd; 1 for none.
        constant: time constant of the exponential filter in seconds; None for none.

    Attributes:
        schema: the schema of the smoothed batches; its metadata has the settings under ``smoothing``.

    Raises:
        ValueError: if a setting is out of range, or a column is missing or duplicate.

    Example:
        >>> smoother = Smoother(schema, tasks, window=5)  # doctest: +SKIP
        >>> smoothed = pa.Table.from_batches(smoother(batches), smoother.schema)  # doctest: +SKIP
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
        require(schema, ("frame", "time", "track", *self._labels), "cannot smooth")
        self.schema = _smooth_schema(schema, tasks, window, constant)

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the smoothed rows as soon as they are final: ``window // 2 + 1`` frames later.

        They do not depend on how the rows are divided into batches.
        """
        known = _Rows(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, len(self._labels))))
        pending: pa.Table | None = None
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
            pending = pa.Table.from_batches([*(pending.to_batches() if pending else ()), batch])
            # The newest frame may continue in the next batch, so rows that depend on it are not final yet.
            end = int(np.searchsorted(known.positions, position - self._reach))
            start = len(known.positions) - pending.num_rows
            if end > start:
                yield self._smoothed(pending.slice(0, end - start), known, start, end, filtered)
                pending = pending.slice(end - start)
                known = known[int(np.searchsorted(known.positions, known.positions[end] - self._reach)) :]
        if pending:
            yield self._smoothed(
                pending, known, len(known.positions) - pending.num_rows, len(known.positions), filtered
            )

    def _rows(self, batch: pa.RecordBatch, positions: Whole) -> _Rows:
        values = np.stack([numbers(batch[label]) for label in self._labels], 1)
        tracks = np.where(np.isfinite(values).all(1), np.nan_to_num(numbers(batch["track"]), nan=NO_TRACK), NO_TRACK)
        return _Rows(positions, numbers(batch["time"]), tracks.astype(np.int64), values)

    def _smoothed(self, table: pa.Table, known: _Rows, start: int, end: int, filtered: _Exponential) -> pa.RecordBatch:
        """Smooth the rows of the table, which are the known rows ``start`` to ``end``."""
        values = _medians(known, start, end, self._reach)
        for task, part in self._parts:
            if task.kind is Kind.CLASSES:
                totals, raw = values[:, part].sum(1, keepdims=True), known.values[start:end, part]
                values[:, part] = np.divide(values[:, part], totals, out=raw.copy(), where=totals > 0)
        filtered(known[start:end], values)
        absent = known.tracks[start:end] == NO_TRACK
        columns = {name: table[name].combine_chunks() for name in table.column_names}
        for task, part in self._parts:
            for label, column in zip(task.labels, values[:, part].T, strict=True):
                columns[label + SUFFIX] = pa.array(column.astype(np.float32), mask=absent)
            if task.kind is Kind.CLASSES:
                words = np.array(task.labels, object)[values[:, part].argmax(1)]
                columns[task.name + SUFFIX] = pa.array(words, pa.string(), mask=absent)
        return pa.record_batch([columns[name] for name in self.schema.names], self.schema)


class _Exponential:
    """The exponential filter, with the last position, seconds and values of each track."""

    def __init__(self, constant: float | None) -> None:
        self._constant = constant
        self._before: dict[int, tuple[int, float, Floats]] = {}

    def __call__(self, rows: _Rows, values: Floats) -> None:
        """Filter ``values`` of rows with a track, in place."""
        if self._constant is None:
            return
        for index in np.flatnonzero(rows.tracks != NO_TRACK):
            track, position, time = int(rows.tracks[index]), int(rows.positions[index]), float(rows.times[index])
            before = self._before.get(track)
            if before is not None and not self._starts_over(before, position, time):
                kept = np.exp(-max(time - before[1], 0) / self._constant)
                values[index] = kept * before[2] + (1 - kept) * values[index]
            self._before[track] = (position, time, values[index].copy())
        now, clock = int(rows.positions[-1]), float(rows.times[-1])
        self._before = {
            track: before for track, before in self._before.items() if not self._starts_over(before, now, clock)
        }

    def _starts_over(self, before: tuple[int, float, Floats], position: int, time: float) -> bool:
        """Whether a track that reappears now starts over."""
        return position - before[0] > 1 and time - before[1] > (self._constant or 0)


def _medians(known: _Rows, start: int, end: int, reach: int) -> Floats:
    """N x L: for each row from ``start`` to ``end``, the median of its track over ``reach`` frames on both sides."""
    width = known.values.shape[1]
    medians = np.full((end - start, width), np.nan)
    rows = np.flatnonzero(known.tracks[start:end] != NO_TRACK)
    if len(rows) == 0:
        return medians
    frames = known.positions - known.positions[0] + reach
    # A number for each track and frame that grows by d in d frames; tracks are further apart than the reach.
    keys = known.tracks * (frames[-1] + 1) + frames
    order = np.argsort(keys, kind="stable")
    order = order[known.tracks[order] != NO_TRACK]
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
    if duplicates := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"duplicate columns: {', '.join(duplicates)}")
    settings = json.dumps({"window": window, "constant": constant})
    return pa.schema(fields, {**(schema.metadata or {}), b"smoothing": settings.encode()})
