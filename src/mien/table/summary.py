"""Summaries of a video's table: one row per track, and one for the video."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.table.columns import NO_TRACK, label_column, numbers, require
from mien.table.layouts import THRESHOLD, csv_writer
from mien.table.summary_schema import track_schema, video_schema
from mien.table.summary_sums import LabelStatistics, RowArrays, Sums
from mien.table.writer import SUMMARIES, TableWriteError, write_table
from mien.tasks import Task

PAUSE = 0.5
"""Seconds for which a face may be lost without ending the episode of a label that is on before and after."""


class Summary(NamedTuple):
    """Both tables; their fields' metadata gives range, unit and meaning, as in the main table."""

    tracks: pa.Table
    video: pa.Table


class Summariser:
    """Summarises record batches of a video's table one by one; its memory grows only with the number of tracks.

    A row lasts until the next sampled frame, by the video's own time stamps; the last one as long as the one before.
    Means and deviations are over rows, shares are of time. A class is on in a row if it is the most probable one, an
    attribute if it reaches its threshold; each onset is an episode. A row without a value of every label has no face.

    Args:
        schema: the schema of the batches: ``frame``, ``time``, ``track``, ``score`` and the labels. Rows are in the
            order of frames; each sampled frame has a row, and a track has at most one row per frame.
        tasks: the tasks whose labels are summarised, of any label space.
        thresholds: label -> probability from which an attribute is on; 0.5 for other labels.
        pause: seconds for which a face may be lost without ending an episode.
        smoothed: whether to use the smoothed labels, for rows that have them.

    Raises:
        ValueError: if a column is missing.

    Example:
        >>> summariser = Summariser(schema, tasks)  # doctest: +SKIP
        >>> for batch in batches:  # doctest: +SKIP
        ...     summariser.add(batch)
        >>> tracks, video = summariser.tables()  # doctest: +SKIP
    """

    def __init__(
        self,
        schema: pa.Schema,
        tasks: Sequence[Task],
        *,
        thresholds: Mapping[str, float] | None = None,
        pause: float = PAUSE,
        smoothed: bool = True,
    ) -> None:
        labels = [label for task in tasks for label in task.labels]
        require(schema, ("frame", "time", "track", "score", *labels), "cannot summarise")
        limits = {label: (thresholds or {}).get(label, THRESHOLD) for label in labels}
        settings = json.dumps({"thresholds": dict(thresholds or {}), "pause": pause, "smoothed": smoothed})
        metadata = {**(schema.metadata or {}), b"summary": settings.encode()}
        self._schemas = [make(tasks, limits, pause).with_metadata(metadata) for make in (track_schema, video_schema)]
        self._statistics, self._pause, self._smoothed = LabelStatistics(tasks, limits), pause, smoothed
        self._tracks: dict[int, Sums] = {}
        self._frames = self._face_frames = self._most = 0
        self._seconds = self._face_seconds = self._step = 0.0
        self._input: str | None = None
        self._held: RowArrays | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows, in the order of frames."""
        if batch.num_rows == 0:
            return
        if self._input is None and "input" in batch.schema.names:
            self._input = batch["input"][0].as_py()
        rows = self._rows(batch)
        rows = rows if self._held is None else self._held + rows
        starts = np.flatnonzero(np.diff(rows.frame, prepend=rows.frame[0] - 1))
        # Only the next frame reveals how long the newest one lasts, and whether all its rows are here.
        self._held = rows[starts[-1] :]
        if len(starts) > 1:
            steps = np.maximum(np.diff(rows.time[starts]), 0)
            self._step = float(steps[-1])
            self._count(rows[: starts[-1]], starts, steps)

    def tables(self) -> Summary:
        """Return both tables. No rows can be added afterwards."""
        if self._held is not None:
            self._count(self._held, np.array([0, len(self._held.frame)]), np.array([self._step]))
            self._held = None
        whole = Sums(len(self._statistics.labels))
        for sums in self._tracks.values():
            whole.merge(sums)
        video = {
            "input": self._input, "frames": self._frames, "seconds": self._seconds, "face_frames": self._face_frames,
            "face_seconds": self._face_seconds, "faces": whole.rows, "most_faces": self._most,
            "tracks": len(self._tracks.keys() - {NO_TRACK}), **self._statistics.row(whole),
        }  # fmt: skip
        order = sorted(self._tracks, key=lambda track: (track == NO_TRACK, track))
        rows = [[self._row(track, self._tracks[track]) for track in order], [video]]
        return Summary(*(pa.Table.from_pylist(*each) for each in zip(rows, self._schemas, strict=True)))

    def _rows(self, batch: pa.RecordBatch) -> RowArrays:
        values = np.stack([numbers(label_column(batch, label, self._smoothed)) for label in self._statistics.labels], 1)
        frame, time, track, score = (numbers(batch[name]) for name in ("frame", "time", "track", "score"))
        later = np.zeros(len(frame))
        tracks = np.nan_to_num(track, nan=NO_TRACK).astype(np.int64)
        return RowArrays(frame.astype(np.int64), later.astype(np.int64), time, later, tracks, score, values)

    def _count(self, rows: RowArrays, starts: NDArray[np.int64], steps: NDArray[np.float64]) -> None:
        """Count rows of whole frames, given where each frame starts and the last one ends, and how long each lasts."""
        of = np.repeat(np.arange(len(steps)), np.diff(starts))
        rows = RowArrays(rows.frame, self._frames + of, rows.time, steps[of], rows.track, rows.score, rows.values)
        faces = np.isfinite(rows.values).all(1)
        each = np.bincount(of[faces], minlength=len(steps))
        self._frames += len(steps)
        self._seconds += float(steps.sum())
        self._face_frames += int((each > 0).sum())
        self._face_seconds += float(steps[each > 0].sum())
        self._most = max(self._most, int(each.max()))
        for track in np.unique(rows.track[faces]).tolist():
            own = rows[faces & (rows.track == track)]
            sums = self._tracks.setdefault(track, Sums(len(self._statistics.labels)))
            sums.add(own, self._statistics.on(own.values), self._statistics.quadrants(own.values), self._pause)
            if track == NO_TRACK:
                sums.episodes[:] = 0  # the next row may belong to another person

    def _row(self, track: int, sums: Sums) -> dict[str, Any]:
        row = {"input": self._input, "track": track, "frames": sums.rows, "seconds": sums.seconds}
        row |= zip(("first_frame", "first_time"), sums.first or (), strict=False)
        row |= zip(("last_frame", "last_time"), sums.last or (), strict=False)
        row |= self._statistics.row(sums)
        if track == NO_TRACK:
            row |= {"track": None} | dict.fromkeys(f"{label}_episodes" for label in self._statistics.labels)
        return row


def write_summary(path: Path, summary: Summary, *, overwrite: bool = False) -> list[Path]:
    """Write both tables as CSV next to the main table; each gets its name once it is complete.

    Args:
        path: path of the main table; ``talk.tracks.csv`` and ``talk.summary.csv`` go next to ``talk.parquet``.
        summary: the tables.
        overwrite: replace existing files.

    Returns:
        The two files.

    Raises:
        TableWriteError: if a file exists or cannot be written.
    """
    files = [path.with_suffix(suffix) for suffix in SUMMARIES]
    if not overwrite and (existing := next((file for file in files if file.exists()), None)):
        raise TableWriteError(f"{existing}: already exists (use --overwrite to replace it)")
    for file, table in zip(files, summary, strict=True):
        try:
            write_table(file, table.schema, table.to_batches(), csv_writer)
        except OSError as error:
            raise TableWriteError(f"{file}: cannot be written: {error.strerror or error}") from None
    return files
