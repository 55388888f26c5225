"""The frames of a video that are looked at: all, every n-th, so many a second, from here to there."""

from __future__ import annotations

# os.path answers False where pathlib raises: in a forbidden folder, for an overlong name.
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
from mien.media.reader import Place, VideoReader

SLACK = 0.1
"""Part of the distance between two wanted frames by which a time stamp may be early: they are rounded in most files."""


@dataclass(frozen=True)
class Frame(Place):
    """A frame that is looked at.

    Args:
        pixels: upright H x W x 3 uint8 RGB; smaller than the original if that is very large.
    """

    pixels: Pixels


class FrameSampler:
    """An opened video, of which some frames are looked at. Iterate over it once.

    Which frames these are follows from their numbers and times alone, so that a pass that was broken off and goes on
    ``after`` its last frame gives the same frames as one that was not.

    Args:
        source: a video file or GIF; a URL (RTSP and such); ``/dev/video0`` or ``FORMAT:DEVICE``; a series of pictures
            as ``shots/img_%04d.png``, as a glob or as a folder.
        every: only frames whose number is a multiple of this.
        fps: at most so many frames a second: the first in each stretch of 1 / ``fps`` seconds.
        start: seconds; earlier frames are left out.
        end: seconds; this frame and later ones are left out.
        after: frames up to this one, which an earlier pass gave, are left out.
        stills: frames a second of a series of pictures, which has no times.

    Attributes:
        name: what the table's column ``input`` says.
        width: of the upright original in pixels; so is ``height``.
        rate: frames a second on average, or None.
        duration: seconds, or None if nobody knows.
        expected: about how many frames will be looked at, or None if nobody knows.

    Raises:
        MediaError: if it cannot be opened, or has no frames.
        ValueError: for a choice that is none.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        *,
        every: int = 1,
        fps: float | None = None,
        start: float | None = None,
        end: float | None = None,
        after: Place | None = None,
        stills: float = 25.0,
    ) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, not {every}")
        if (fps is not None and not fps > 0) or not stills > 0:
            raise ValueError(f"frames a second must be above 0, not {stills if fps is None else fps}")
        if start is not None and end is not None and start >= end:
            raise ValueError(f"nothing lies between the start, {start:g} s, and the end, {end:g} s")
        place = os.fspath(source)
        self.name = os.fsencode(place).decode("utf-8", "replace")
        self._every, self._fps, self._start, self._end, self._after = every, fps, start or 0.0, end, after
        self._reel = ImageSequence(place, stills) if is_series(place) else VideoReader(place)
        if after is not None and self._reel.live:
            self.close()
            raise MediaError("a stream cannot be gone on with")
        self.width, self.height = self._reel.width, self._reel.height
        self.rate, self.duration = self._reel.rate, self._reel.duration
        self.expected = self._expected()

    @property
    def damaged(self) -> int:
        """How many packets or pictures could not be decoded so far, and were passed over."""
        return self._reel.damaged

    @property
    def live(self) -> bool:
        """Whether it is a stream or a device, which cannot be read twice."""
        return self._reel.live

    @property
    def seekable(self) -> bool:
        """Whether a frame in the middle can be had without decoding all that stands before it."""
        return self._reel.seekable

    def __iter__(self) -> Iterator[Frame]:
        """The frames, in the order in which they are shown.

        Raises:
            MediaError: where the video is damaged or cut off, after all frames that could be decoded; or if no frame
                lies between start and end.
        """
        slot = -1 if self._after is None else self._slot(self._after.time)
        found = self._after is not None
        for shot in self._reel.shots(start=self._start, after=self._after):
            if self._end is not None and shot.time >= self._end:
                break
            found = True
            here = self._slot(shot.time)
            if shot.number % self._every or (self._fps is not None and here <= slot):
                continue
            slot, pixels = here, shot.pixels
            if pixels is not None:
                yield Frame(shot.number, shot.time, pixels)
        if not found:
            raise MediaError(f"has no frame from {self._start:g} s on")

    def close(self) -> None:
        """Give the file back."""
        self._reel.close()

    def __enter__(self) -> FrameSampler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _slot(self, time: float) -> int:
        """The number of the stretch of time of which one frame is wanted."""
        return floor(time * (self._fps or 0) + SLACK)

    def _expected(self) -> int | None:
        count, rate = self._reel.count, self.rate
        if self.duration is None or not rate:
            return None
        begin = max(self._start, 0.0 if self._after is None else self._after.time)
        end = min(self.duration, self.duration if self._end is None else self._end)
        share = max(0.0, end - begin) / self.duration if self.duration else 0.0
        each = min(1 / self._every, self._fps / rate if self._fps else 1.0)
        return ceil((count or self.duration * rate) * share * each - 1e-6)


def is_series(place: str) -> bool:
    """Whether a source is a series of pictures: a folder, or a pattern that is no file's name."""
    if os.path.exists(place):
        return os.path.isdir(place)
    return "://" not in place and ("%" in place or glob.has_magic(place))
