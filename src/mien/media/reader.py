"""Reads the frames of a video, with their numbers and times, from any position on."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, dropwhile
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from mien.faces.detect import Pixels
from mien.media.decode import Decoder, TimedFrame, locate
from mien.media.picture import MediaError

LONGEST = 2560
"""Longest side of a frame in pixels; larger frames are scaled down as they are converted. 8K takes 100 MB per frame."""

SEEKABLE = frozenset(("mov", "mp4", "matroska", "webm"))
"""Containers with an index of frame times to seek by. All others are decoded from the start."""

COUNTED = frozenset(("h264", "hevc", "vp9", "av1", "mjpeg", "prores", "ffv1"))
"""Codecs with one frame per packet, whose frames can be counted without decoding."""

NumberedFrame: TypeAlias = tuple[int, TimedFrame]


@dataclass(frozen=True)
class Position:
    """The position of a frame in its video.

    Args:
        number: counted from 0, in display order.
        time: seconds from the start.
    """

    number: int
    time: float


@dataclass(frozen=True)
class DecodedFrame(Position):
    """A decoded frame; its pixels are converted only when they are read."""

    picture: Any
    convert: Callable[[Any], Pixels | None]

    @property
    def pixels(self) -> Pixels | None:
        """Upright H x W x 3 uint8 RGB; None if a damaged frame cannot be converted."""
        return self.convert(self.picture)


class VideoReader:
    """An open video, stream or device.

    Args:
        source: a path, a URL, ``/dev/videoN`` or ``FORMAT:NAME`` (see :data:`mien.media.decode.DEVICES`).
        fitted: scale frames to square pixels and to at most :data:`LONGEST`.

    Attributes:
        width, height: size of the upright original, in pixels.
        rate: average frames per second, or None.
        duration: length in seconds, or None if unknown.
        count: number of frames according to the container, or None.
        live: whether it can be read only once.

    Raises:
        MediaError: if it cannot be opened or has no frame that can be decoded.

    Example:
        >>> reader = VideoReader("talk.mp4")  # doctest: +SKIP
        >>> times = [frame.time for frame in reader.frames(start=10.0)]  # doctest: +SKIP
    """

    def __init__(self, source: str | os.PathLike[str], *, fitted: bool = True) -> None:
        self._address = locate(os.fspath(source))
        self._decoder = Decoder(self._address)
        self.live, self.rate = self._address.live, self._decoder.rate
        self.duration = None if self.live else self._decoder.duration
        self.count = None if self.live else self._decoder.stream.frames or None
        self._started: Iterator[TimedFrame] | None = self._decoder.frames()
        first = next(self._started, None)
        if first is None:
            raise MediaError("has no frames")
        self._started = chain([first], self._started)
        picture = first[1]
        self._turns = round(picture.rotation / 90) % 4
        size = picture.width, picture.height
        self._size = _fitted(*size, self._decoder.stream.sample_aspect_ratio) if fitted else size
        self._converter = VideoReformatter()
        self.width, self.height = size[::-1] if self._turns % 2 else size

    @property
    def _indexed(self) -> bool:
        return not self.live and not SEEKABLE.isdisjoint(self._decoder.container.format.name.split(","))

    @property
    def seekable(self) -> bool:
        """Whether a frame and its number can be read without decoding all frames before it."""
        return self._indexed and self._decoder.stream.codec_context.name in COUNTED

    @property
    def damaged(self) -> int:
        """Number of packets or frames that could not be decoded completely so far."""
        return self._decoder.damaged

    def frames(self, *, start: float = 0.0, after: Position | None = None) -> Iterator[DecodedFrame]:
        """Yield the frames in display order, each with its number in the whole video.

        Args:
            start: skip frames before this time.
            after: skip frames up to this one, which an earlier pass must have yielded.

        Raises:
            MediaError: if the video is damaged or cut off, after all frames that could be decoded.
        """
        number = -1 if after is None else after.number
        for number, (time, picture) in self._from(start) if after is None else self._after(after):
            if (time >= start or start <= 0) and (after is None or number > after.number):
                yield DecodedFrame(number, time, picture, self._upright)
        self._refuse_incomplete(number + 1)

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()

    def _upright(self, picture: Any) -> Pixels | None:
        """The frame as players show it: phones record how they were held instead of rotating the pixels."""
        width, height = self._size
        interpolation = None if self._size == (picture.width, picture.height) else "AREA"
        try:
            converted = self._converter.reformat(
                picture,
                width,
                height,
                "rgb24",
                dst_colorspace=Colorspace.ITU601,  # RGB has none, but without this PyAV < 17 ignores the frame's own
                interpolation=interpolation,
            )
        except (av.FFmpegError, OSError, ValueError):
            self._decoder.damaged += 1
            return None
        pixels: Any = converted.to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, self._turns)) if self._turns else pixels

    def _refuse_incomplete(self, frames: int) -> None:
        """Compare with what the container announced: many containers simply end where the file was cut off."""
        end, rate = self._decoder.end, self.rate or 0
        if self._indexed and self.duration is not None and end < 0.98 * self.duration - 1:
            raise MediaError(f"ends after {end:.1f} of {self.duration:.1f} seconds: the file is incomplete")
        if self._decoder.container.format.name == "gif" and not _ends_as_gif(self._address.url):
            raise MediaError(f"ends after {frames} frames without a GIF's last byte: the file is incomplete")
        if self.count is not None and frames + self.damaged < 0.98 * self.count - rate:
            raise MediaError(f"ends after {frames} of {self.count} frames: the file is incomplete")

    # Seeking yields the same frames with the same numbers as a pass from the start.

    def _whole(self) -> Iterator[NumberedFrame]:
        started, self._started = self._started, None
        if started is None:
            if self.live:
                raise MediaError("a stream can be read only once")
            self._decoder.close()
            self._decoder = Decoder(self._address)
            started = self._decoder.frames()
        return enumerate(started)

    def _from(self, start: float) -> Iterator[NumberedFrame]:
        """Frames from ``start`` on, and some before it."""
        if start > 0 and self.seekable:
            found = self._seek(start)
            first = next(found, None)
            number = None if first is None else self._count_before(first[1].pts)
            if first is not None and number is not None:
                return enumerate(chain([first], found), number)
        return self._whole()

    def _after(self, after: Position) -> Iterator[NumberedFrame]:
        """Frames after one whose number and time are known."""
        found = self._seek(after.time)
        for time, _ in found:
            if time == after.time:
                return enumerate(found, after.number + 1)
            if time > after.time:
                break
        return self._whole()

    def _seek(self, time: float) -> Iterator[TimedFrame]:
        """Frames from a key frame at or before ``time`` on; none if seeking there is not safe.

        Frames before the first key frame may depend on frames that were skipped, so they are dropped. In some files the
        rest then starts after ``time``: the next attempt starts earlier.
        """
        if not self._indexed:
            return iter(())
        self._started = None
        for back in (0, 2, 10, 60):
            if not self._decoder.seek(time - back):
                break
            frames = dropwhile(lambda timed: not timed[1].key_frame, self._decoder.frames())
            try:
                first = next(frames, None)
            except MediaError:
                break
            if first is not None and first[0] <= time:
                return chain([first], frames)
        return iter(())

    def _count_before(self, stamp: int | None) -> int | None:
        """Count the frames shown before a time stamp by their packets, without decoding.

        Return None if packets are damaged, or have no time stamps or equal ones: then only decoding can count them.
        """
        earlier = array("q")
        with av.open(self._address.url) as container:
            for packet in container.demux(container.streams[self._decoder.stream.index]):
                if packet.size == 0 or (stamp is not None and packet.dts is not None and packet.dts >= stamp):
                    break
                if stamp is None or packet.pts is None or packet.is_corrupt:
                    return None
                if packet.pts < stamp and not packet.is_discard:
                    earlier.append(packet.pts)
        return len(earlier) if len(np.unique(earlier)) == len(earlier) else None


def _ends_as_gif(url: str) -> bool:
    """Whether a file ends with a GIF's trailer and padding; True if it cannot be read."""
    try:
        with Path(url.removeprefix("file:")).open("rb") as file:
            file.seek(-min(4096, file.seek(0, os.SEEK_END)), os.SEEK_END)
            return file.read().rstrip(b"\0").endswith(b";")
    except OSError:
        return True


def _fitted(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height with square pixels, before rotation, at most :data:`LONGEST`."""
    wide = float(aspect) if aspect and 0.2 < aspect < 5 else 1.0
    scale = min(1.0, LONGEST / max(width * wide, height))
    return max(1, round(scale * width * wide)), max(1, round(scale * height))
