"""The rows of a finished table as arrays, a few thousand at a time, in whole frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.table.columns import SUFFIX
from mien.table.reader import AnnotatedTable, TableError

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

FACELESS = -1
"""The key of a row without a face."""

BOX = ("x", "y", "width", "height")


@dataclass(frozen=True, eq=False)
class FrameRows:
    """N rows of whole frames.

    Args:
        inputs: number of the input, from 0.
        positions: position of the frame among all frames of the table.
        frames: number of the frame in its video.
        times: time of the frame in seconds; 0 in a table of pictures.
        spans: seconds for which the frame is shown; 1 in a table of pictures.
        keys: number of the track, from 0; :data:`FACELESS` without a face.
        boxes: N x 4.
        values: N x L, NaN for null.
        smooth: N x L, NaN for null or if the table is not smoothed.
    """

    inputs: Whole
    positions: Whole
    frames: Whole
    times: Floats
    spans: Floats
    keys: Whole
    boxes: Floats
    values: Floats
    smooth: Floats

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def shown(self) -> Floats:
        """N x L: the smoothed value if there is one, otherwise the raw one."""
        return np.where(np.isfinite(self.smooth), self.smooth, self.values)

    def __add__(self, other: FrameRows) -> FrameRows:
        return FrameRows(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))

    def __getitem__(self, which: slice | NDArray[Any]) -> FrameRows:
        return FrameRows(*(getattr(self, f.name)[which] for f in fields(self)))


class FrameRowReader:
    """Iterates over the rows of a table, and collects the names of its inputs and tracks.

    Args:
        table: a finished table.
        values: whether labels are read; otherwise L is 0.

    Attributes:
        inputs: names, in the order of their first rows.
        tracks: for each key the number of the input and a name: ``track 3``, ``face 0`` for faces without a track,
            ``all faces`` for pictures.
    """

    def __init__(self, table: AnnotatedTable, *, values: bool = True) -> None:
        self._table = table
        self.labels = [label for task in table.tasks for label in task.labels] if values else []
        self._span = np.nan
        self.inputs: dict[str, int] = {}
        self.tracks: dict[tuple[int, str], int] = {}

    def __iter__(self) -> Iterator[FrameRows]:
        smooth = [label + SUFFIX for label in self.labels]
        columns = ["input", "frame", "time", "face", "track", *BOX, *self.labels, *smooth]
        held: FrameRows | None = None
        position = -1
        for batch in self._table.batches(columns):
            if not batch.num_rows:
                continue
            rows = self._rows(batch)
            new = (np.diff(rows.inputs) != 0) | (np.diff(rows.frames) != 0)
            first = held is None or (rows.inputs[0], rows.frames[0]) != (held.inputs[-1], held.frames[-1])
            rows.positions[:] = position + first + np.r_[0, np.cumsum(new)]
            position = int(rows.positions[-1])
            rows = rows if held is None else held + rows
            whole = rows.positions < position
            held = rows[~whole]
            if whole.any():
                yield self._timed(rows[whole], held)
        if held is not None:
            yield self._timed(held, None)

    def _rows(self, batch: pa.RecordBatch) -> FrameRows:
        count, names = batch.num_rows, batch.schema.names
        found = batch.column("input").dictionary_encode()
        codes = np.array([self.inputs.setdefault(str(name), len(self.inputs)) for name in found.dictionary.to_pylist()])
        inputs = codes[found.indices.to_numpy(zero_copy_only=False)].astype(np.int64)
        numbers = {name: self._column(batch, name) for name in names if name != "input"}
        none, times = np.full(count, np.nan), numbers.get("time", np.zeros(count))
        if not np.isfinite(times + numbers["frame"]).all():
            raise TableError(f"{self._table.path}: has rows without a frame or a time")
        return FrameRows(
            inputs,
            np.zeros(count, np.int64),
            numbers["frame"].astype(np.int64),
            times,
            np.ones(count),
            self._keys(inputs, numbers["face"], numbers.get("track", none)),
            np.stack([numbers[name] for name in BOX], 1),
            self._stack(numbers, self.labels, none),
            self._stack(numbers, [label + SUFFIX for label in self.labels], none),
        )

    def _stack(self, numbers: dict[str, Floats], names: list[str], none: Floats) -> Floats:
        return np.stack([numbers.get(name, none) for name in names], 1) if names else np.zeros((len(none), 0))

    def _column(self, batch: pa.RecordBatch, name: str) -> Floats:
        return np.asarray(batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False))

    def _keys(self, inputs: Whole, faces: Floats, tracks: Floats) -> Whole:
        keys = np.full(len(inputs), FACELESS, np.int64)
        there = np.isfinite(faces)
        code = np.where(np.isfinite(tracks), tracks, -1 - faces)  # faces without a track are identified by their number
        if not self._table.timed:
            code = inputs = np.zeros(len(inputs), np.int64)
        pairs, first, back = np.unique(
            np.stack([inputs[there], code[there]], 1), axis=0, return_index=True, return_inverse=True
        )
        known = np.zeros(len(pairs), np.int64)
        for at in np.argsort(first):  # in order of appearance, so that keys do not depend on the batches
            named = int(pairs[at, 0]), self._name(int(pairs[at, 1]))
            known[at] = self.tracks.setdefault(named, len(self.tracks))
        keys[there] = known[back.reshape(-1)] if len(known) else FACELESS
        return keys

    def _name(self, code: int) -> str:
        if not self._table.timed:
            return "all faces"
        return f"track {code}" if code >= 0 else f"face {-1 - code}"

    def _timed(self, rows: FrameRows, following: FrameRows | None) -> FrameRows:
        """Add how long each frame is shown; the last one as long as the one before it."""
        if not self._table.timed:
            return rows
        starts = np.flatnonzero(np.r_[True, np.diff(rows.positions) != 0])
        times, inputs = rows.times[starts], rows.inputs[starts]
        if following is not None:
            times, inputs = np.r_[times, following.times[0]], np.r_[inputs, following.inputs[0]]
        spans = np.r_[np.where(np.diff(inputs) == 0, np.diff(times), np.nan), [np.nan] * (following is None)]
        before = np.r_[self._span, spans[:-1]]
        spans = np.nan_to_num(np.where(np.isnan(spans), before, spans))
        self._span = float(spans[-1])
        return FrameRows(**{**rows.__dict__, "spans": np.repeat(spans, np.diff(np.r_[starts, len(rows)]))})
