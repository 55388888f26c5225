"""Overlays of videos, drawn from a finished table and the video, or while frames come."""

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

EARLY = 0.002
"""Seconds before a table's first frame from which the video is read."""


class OverlayVideo:
    """A video with overlays that grows, for frames as they come; a context manager, which completes the file.

    :func:`draw_overlay` draws that of a finished table, which is the ordinary way.

    Args:
        path: ends in .mp4.
        tasks: the label space of the rows.
        panels: how many faces at once are to have their readings drawn.
        rate: frames a second, about.
        size: width and height of the upright original, if frames may be smaller; the rows' places are in its pixels.
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
        """How many were written."""
        return self._file.frames

    def write(self, pixels: Pixels, time: float, rows: Sequence[Row]) -> None:
        """Draw and encode one frame; ``time`` in seconds."""
        if self._scene is None:
            self._scene = Scene(pixels.shape[1], pixels.shape[0], self.tasks, self.panels, self.size)
        self._file.write(self._scene.draw(pixels, time, rows), time)

    def close(self) -> None:
        """Complete the file; without a frame there is none."""
        self._file.close()

    def __enter__(self) -> OverlayVideo:
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
    advance: Callable[[int], object] | None = None,
) -> int:
    """The overlay of a finished table, whichever runs it took to finish it; see :func:`draw_overlay`.

    Args:
        video: the file that was annotated.
        table: a Parquet file.
        path: ends in .mp4.
        overwrite: whether an existing file may be replaced.
        advance: told of each frame that is drawn.

    Returns:
        How many frames were drawn.

    Raises:
        VideoWriteError: if the overlay cannot be written, is the video itself, or there is nothing to draw.
        TableError: if the table cannot be used.
        MediaError: if the video cannot be read; where it is damaged further on, the overlay is complete up to there.
    """
    opened = AnnotatedTable(table)
    if os.path.exists(path) and os.path.exists(video) and os.path.samefile(path, video):  # noqa: PTH110, PTH121
        raise VideoWriteError(f"{path}: is the input video; choose another file for the overlay")
    panels = faces_at_once(opened.batches(["frame", "face"]))
    begin = next((batch.column("time")[0].as_py() for batch in opened.batches(["time"]) if opened.timed), None)
    with FrameSampler(video, start=max(0.0, begin - EARLY) if begin else None) as footage:
        size = footage.width, footage.height
        return draw_overlay(
            footage, opened.batches(), opened.tasks, path,
            panels=panels, rate=footage.rate, size=size, overwrite=overwrite, advance=advance,
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
    """The overlay of a video that was annotated: each frame that the table has rows of, at its own time.

    An interrupted video is complete up to there. Memory is that of one batch.

    Args:
        frames: of the video, ascending; those that the table does not have are passed over.
        batches: the table's, in the order of its frames.
        tasks: the label space of the table.
        path: ends in .mp4.
        panels: how many faces at once are to have their readings drawn; :func:`faces_at_once` counts them.
        rate: frames a second, about.
        size: width and height of the upright original, as :class:`mien.media.sampler.FrameSampler` has them.
        overwrite: whether an existing file may be replaced.
        advance: told of each frame that is drawn.

    Returns:
        How many frames were drawn.

    Raises:
        VideoWriteError: if the file cannot be written, or no frame of the table is in the video.
    """
    groups = by_frame(batches)
    with OverlayVideo(path, tasks, panels=panels, rate=rate, size=size, overwrite=overwrite) as video:
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
            raise VideoWriteError(f"{path}: nothing to draw, none of the table's frames is in the video")
        return video.frames


def by_frame(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, list[Row]]]:
    """The number of each frame and its rows; a frame may go on in the next batch."""
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
    """The most faces that any frame has; the columns ``frame`` and ``face`` are enough."""
    return max((sum(row["face"] is not None for row in rows) for _, rows in by_frame(batches)), default=0)
