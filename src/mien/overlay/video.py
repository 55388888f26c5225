"""Overlays of videos, drawn from a finished table and its video, or frame by frame."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType

import pyarrow as pa

from mien.annotate.schema import Row
from mien.faces.detect import Pixels
from mien.media.mp4 import Mp4Writer, VideoWriteError
from mien.media.sampler import Frame, FrameSampler
from mien.overlay.scene import Scene
from mien.table.reader import AnnotatedTable
from mien.tasks import Task

LEAD_IN = 0.002
"""Reading starts this many seconds before the first frame of the table."""


class OverlayWriter:
    """Writes a video overlay frame by frame; a context manager that completes the file.

    Usually :func:`draw_video` is all you need: it draws the overlay of a finished table.

    Args:
        path: the file; its name ends in .mp4.
        tasks: the label space of the rows.
        panels: the number of faces to show panels for at the same time.
        rate: the approximate number of frames per second.
        size: width and height of the original, upright, if the frames may be smaller; the coordinates of the rows refer
            to it.
        overwrite: whether an existing file may be replaced.

    Raises:
        VideoWriteError: if the file cannot be written, now or later.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        tasks: Sequence[Task],
        *,
        panels: int = 2,
        rate: float | None = None,
        size: tuple[int, int] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.tasks, self.panels, self.size = tuple(tasks), panels, size
        self._file = Mp4Writer(path, rate=rate, overwrite=overwrite)
        self._scene: Scene | None = None

    @property
    def frames(self) -> int:
        """The number of frames written."""
        return self._file.frames

    def write(self, pixels: Pixels, time: float, rows: Sequence[Row]) -> None:
        """Draw and encode one frame; ``time`` is in seconds."""
        if self._scene is None:
            self._scene = Scene(pixels.shape[1], pixels.shape[0], self.tasks, self.panels, self.size)
        self._file.write(self._scene.draw(pixels, time, rows), time)

    def close(self) -> None:
        """Complete the file; without frames, no file is written."""
        self._file.close()

    def __enter__(self) -> OverlayWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)


def draw_video(
    video: str | os.PathLike[str],
    table: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> int:
    """Draw the overlay of a finished table and its video.

    Args:
        video: the annotated file.
        table: a Parquet file.
        path: the file; its name ends in .mp4.
        overwrite: whether an existing file may be replaced.

    Returns:
        The number of frames drawn.

    Raises:
        VideoWriteError: if the overlay cannot be written, would replace the video, or has no frames.
        TableError: if the table cannot be read.
        MediaError: if the video cannot be read; if it is damaged later on, the overlay is complete up to that point.

    Example::

        draw_video("interview.mp4", "interview.parquet", "drawn.mp4")
    """
    opened = AnnotatedTable(table)
    if os.path.exists(path) and os.path.exists(video) and os.path.samefile(path, video):  # noqa: PTH110, PTH121
        raise VideoWriteError(f"{path}: is the input video; choose another file for the overlay")
    panels = faces_at_once(opened.batches(["frame", "face"]))
    first = next((batch.column("time")[0].as_py() for batch in opened.batches(["time"]) if opened.timed), None)
    with FrameSampler(video, start=max(0.0, first - LEAD_IN) if first else None) as sampler:
        size = sampler.width, sampler.height
        return draw_overlay(
            sampler, opened.batches(), opened.tasks, path,
            panels=panels, rate=sampler.rate, size=size, overwrite=overwrite,
        )  # fmt: skip


def draw_overlay(
    frames: Iterable[Frame],
    batches: Iterable[pa.RecordBatch],
    tasks: Sequence[Task],
    path: str | os.PathLike[str],
    *,
    panels: int = 2,
    rate: float | None = None,
    size: tuple[int, int] | None = None,
    overwrite: bool = False,
    advance: Callable[[int], object] | None = None,
) -> int:
    """Draw the overlay of an annotated video: every frame that has rows in the table, at its own time.

    If reading the frames fails, the overlay is complete up to that point. Only one batch is in memory.

    Args:
        frames: frames of the video, in ascending order; those that are not in the table are skipped.
        batches: record batches of the table, in the order of its frames.
        tasks: the label space of the table.
        path: the file; its name ends in .mp4.
        panels: the number of faces to show panels for at the same time; :func:`faces_at_once` counts them.
        rate: the approximate number of frames per second.
        size: width and height of the original, upright, as in :class:`mien.media.sampler.FrameSampler`.
        overwrite: whether an existing file may be replaced.
        advance: called with 1 after each frame drawn.

    Returns:
        The number of frames drawn.

    Raises:
        VideoWriteError: if the file cannot be written, or the video has none of the table's frames.
    """
    groups = by_frame(batches)
    with OverlayWriter(path, tasks, panels=panels, rate=rate, size=size, overwrite=overwrite) as video:
        number, rows = next(groups, (-1, []))
        for frame in frames:
            while rows and number < frame.number:
                number, rows = next(groups, (-1, []))
            if not rows:
                break
            if number == frame.number:
                video.write(frame.pixels, frame.time, rows)
                if advance is not None:
                    advance(1)
        if not video.frames:
            raise VideoWriteError(f"{path}: nothing to draw: the video has no frame of the table")
        return video.frames


def by_frame(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, list[Row]]]:
    """The number and the rows of each frame; the rows of a frame may span several batches."""
    number, rows = -1, list[Row]()
    for batch in batches:
        for row in batch.to_pylist():
            if rows and row["frame"] != number:
                yield number, rows
                rows = []
            number = row["frame"]
            rows.append(row)
    if rows:
        yield number, rows


def faces_at_once(batches: Iterable[pa.RecordBatch]) -> int:
    """The largest number of faces in any frame; needs only the columns ``frame`` and ``face``."""
    return max((sum(row["face"] is not None for row in rows) for _, rows in by_frame(batches)), default=0)
