"""Samples frames of a video: all, every n-th, or a number per second, within a range of time."""

from __future__ import annotations

# os.path returns False where pathlib raises: in a forbidden folder, or for an overlong name.
# ruff: noqa: PTH110, PTH112
import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor
from types import TracebackType

from mien.faces.detect import Pixels
from mien.media.image_sequence import ImageSequence
from mien.media.picture import MediaError
from mien.media.reader import Position, VideoReader

SLACK = 0.1
"""Fraction of the distance between two sampled frames by which a time stamp may be early: most files round them."""


@dataclass(frozen=True)
class Frame(Position):
    """A sampled frame.

    Args:
        pixels: upright H x W x 3 uint8 RGB; smaller than the original if that is very large.
    """

    pixels: Pixels


class FrameSampler:
    """An open video that yields some of its frames. Iterate over it once.

    Only the numbers and times of frames decide which are sampled, so a pass that resumes ``after`` a frame yields the
    same frames as an uninterrupted one.

    Args:
        source: a video file or GIF; a URL, such as RTSP; ``/dev/video0`` or ``FORMAT:DEVICE``; a sequence of pictures,
            given as ``shots/img_%04d.png``, a glob or a folder.
        every: sample only frames whose number is a multiple of this.
        fps: sample at most this many frames per second: the first in each interval of 1 / ``fps`` seconds.
        start: skip frames before this time, in seconds.
        end: skip frames from this time on, in seconds.
        after: skip frames up to this one, which an earlier pass yielded.
        sequence_rate: frames per second of a sequence of pictures, which has no times.

    Attributes:
        name: the value of the column ``input``.
        width, height: size of the upright original, in pixels.
        rate: average frames per second, or None.
        duration: length in seconds, or None if unknown.
        expected: approximate number of frames to sample, or None if unknown.

    Raises:
        MediaError: if it cannot be opened or has no frames.
        ValueError: for an option out of range.

    Example:
        >>> with FrameSampler("talk.mp4", fps=5) as frames:  # doctest: +SKIP
        ...     times = [frame.time for frame in frames]
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        *,
        every: int = 1,
        fps: float | None = None,
        start: float | None = None,
        end: float | None = None,
        after: Position | None = None,
        sequence_rate: float = 25.0,
    ) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, not {every}")
        if (fps is not None and not fps > 0) or not sequence_rate > 0:
            raise ValueError(f"frames per second must be above 0, not {sequence_rate if fps is None else fps}")
        if start is not None and end is not None and start >= end:
            raise ValueError(f"start ({start:g} s) must be before end ({end:g} s)")
        path = os.fspath(source)
        self.name = os.fsencode(path).decode("utf-8", "replace")
        self._every, self._fps, self._start, self._end, self._after = every, fps, start or 0.0, end, after
        self._video = ImageSequence(path, sequence_rate) if is_sequence(path) else VideoReader(path)
        if after is not None and self._video.live:
            self.close()
            raise MediaError("a stream cannot be resumed")
        self.width, self.height = self._video.width, self._video.height
        self.rate, self.duration = self._video.rate, self._video.duration
        self.expected = self._expected()

    @property
    def damaged(self) -> int:
        """Number of packets or pictures that were skipped so far because they could not be decoded."""
        return self._video.damaged

    @property
    def live(self) -> bool:
        """Whether it is a stream or a device, which cannot be read twice."""
        return self._video.live

    @property
    def seekable(self) -> bool:
        """Whether a frame can be read without decoding all frames before it."""
        return self._video.seekable

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames in display order.

        Raises:
            MediaError: if the video is damaged or cut off, after all frames that could be decoded; or if no frame is
                between start and end.
        """
        slot = -1 if self._after is None else self._slot(self._after.time)
        found = self._after is not None
        for frame in self._video.frames(start=self._start, after=self._after):
            if self._end is not None and frame.time >= self._end:
                break
            found = True
            here = self._slot(frame.time)
            if frame.number % self._every or (self._fps is not None and here <= slot):
                continue
            slot, pixels = here, frame.pixels
            if pixels is not None:
                yield Frame(frame.number, frame.time, pixels)
        if not found:
            raise MediaError(f"no frames from {self._start:g} s on")

    def close(self) -> None:
        """Close the file."""
        self._video.close()

    def __enter__(self) -> FrameSampler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _slot(self, time: float) -> int:
        """The number of the interval that a time is in."""
        return floor(time * (self._fps or 0) + SLACK)

    def _expected(self) -> int | None:
        count, rate = self._video.count, self.rate
        if self.duration is None or not rate:
            return None
        start = max(self._start, 0.0 if self._after is None else self._after.time)
        end = min(self.duration, self.duration if self._end is None else self._end)
        share = max(0.0, end - start) / self.duration if self.duration else 0.0
        each = min(1 / self._every, self._fps / rate if self._fps else 1.0)
        return ceil((count or self.duration * rate) * share * each - 1e-6)


def is_sequence(source: str) -> bool:
    """Whether a source is a sequence of pictures: a folder, or a pattern that is not the name of a file."""
    if os.path.exists(source):
        return os.path.isdir(source)
    return "://" not in source and ("%" in source or glob.has_magic(source))
