"""A video's frames with their numbers and times, from any place in it on."""

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
from mien.media.decode import Decoder, Timed, locate
from mien.media.picture import MediaError

LONGEST = 2560
"""Frames with a longer side are scaled down to it while they are converted: 8K would take 100 MB a frame."""

SEEKABLE = frozenset(("mov", "mp4", "matroska", "webm"))
"""Containers that keep every frame's time, and can go to it. All others are decoded from the start."""

COUNTED = frozenset(("h264", "hevc", "vp9", "av1", "mjpeg", "prores", "ffv1"))
"""Codecs of which one packet is one frame, so that frames can be counted without decoding."""

Numbered: TypeAlias = tuple[int, Timed]


@dataclass(frozen=True)
class Place:
    """Where a frame stands in its video.

    Args:
        number: from 0, in the order in which frames are shown.
        time: seconds from the video's beginning.
    """

    number: int
    time: float


@dataclass(frozen=True)
class Shot(Place):
    """A frame as it was decoded; its pixels are converted only if they are asked for."""

    picture: Any
    convert: Callable[[Any], Pixels | None]

    @property
    def pixels(self) -> Pixels | None:
        """Upright H x W x 3 uint8 RGB; None if a damaged frame is not even a picture."""
        return self.convert(self.picture)


class VideoReader:
    """An opened video, stream or device.

    Args:
        source: a path, a URL, ``/dev/videoN`` or ``FORMAT:NAME`` (see :data:`mien.media.decode.DEVICES`).
        fitted: make pixels square, and frames no larger than :data:`LONGEST`.

    Attributes:
        width: of the upright original in pixels; so is ``height``.
        rate: frames a second on average, or None.
        duration: seconds, or None if nobody knows.
        count: how many frames there are, as far as the container says, or None.
        live: whether it can be read only once.

    Raises:
        MediaError: if it cannot be opened, has no pictures, or no frame that can be decoded.
    """

    def __init__(self, source: str | os.PathLike[str], *, fitted: bool = True) -> None:
        self._address = locate(os.fspath(source))
        self._decoder = Decoder(self._address)
        self.live, self.rate = self._address.live, self._decoder.rate
        self.duration = None if self.live else self._decoder.duration
        self.count = None if self.live else self._decoder.stream.frames or None
        self._begun: Iterator[Timed] | None = self._decoder.frames()
        first = next(self._begun, None)
        if first is None:
            raise MediaError("has no frames")
        self._begun = chain([first], self._begun)
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
        """Whether a frame and its number can be had without decoding all that stands before it."""
        return self._indexed and self._decoder.stream.codec_context.name in COUNTED

    @property
    def damaged(self) -> int:
        """How many packets or frames could not be decoded so far, or not wholly."""
        return self._decoder.damaged

    def shots(self, *, start: float = 0.0, after: Place | None = None) -> Iterator[Shot]:
        """The frames in the order in which they are shown, each with the number that it has in the whole video.

        Args:
            start: frames before this time are left out.
            after: so are frames up to this one, which must be one that an earlier pass gave.

        Raises:
            MediaError: where the video is damaged or cut off, after all frames that could be decoded.
        """
        number = -1 if after is None else after.number
        for number, (time, picture) in self._from(start) if after is None else self._behind(after):
            if (time >= start or start <= 0) and (after is None or number > after.number):
                yield Shot(number, time, picture, self._upright)
        self._refuse_incomplete(number + 1)

    def close(self) -> None:
        """Give the file back."""
        self._decoder.close()

    def _upright(self, picture: Any) -> Pixels | None:
        """The picture as players show it: telephones note how they were held instead of turning the pixels."""
        width, height = self._size
        smoothly = None if self._size == (picture.width, picture.height) else "AREA"
        try:
            converted = self._converter.reformat(
                picture,
                width,
                height,
                "rgb24",
                dst_colorspace=Colorspace.ITU601,  # RGB has none, but without one PyAV < 17 ignores the frame's own
                interpolation=smoothly,
            )
        except (av.FFmpegError, OSError, ValueError):
            self._decoder.damaged += 1
            return None
        pixels: Any = converted.to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, self._turns)) if self._turns else pixels

    def _refuse_incomplete(self, frames: int) -> None:
        """Many containers simply end where their file was cut off; only what they announced tells."""
        end, rate = self._decoder.end, self.rate or 0
        if self._indexed and self.duration is not None and end < 0.98 * self.duration - 1:
            raise MediaError(f"ends after {end:.1f} of {self.duration:.1f} seconds: the file is incomplete")
        if self._decoder.container.format.name == "gif" and not _ends_as_gif(self._address.place):
            raise MediaError(f"ends after {frames} frames without a GIF's last byte: the file is incomplete")
        if self.count is not None and frames + self.damaged < 0.98 * self.count - rate:
            raise MediaError(f"ends after {frames} of {self.count} frames: the file is incomplete")

    # Seeking: the same frames with the same numbers as in a pass from the start.

    def _whole(self) -> Iterator[Numbered]:
        begun, self._begun = self._begun, None
        if begun is None:
            if self.live:
                raise MediaError("a stream can be read only once")
            self._decoder.close()
            self._decoder = Decoder(self._address)
            begun = self._decoder.frames()
        return enumerate(begun)

    def _from(self, start: float) -> Iterator[Numbered]:
        """Frames from some frame before ``start`` on."""
        if start > 0 and self.seekable:
            landed = self._land(start)
            first = next(landed, None)
            number = None if first is None else self._count_before(first[1].pts)
            if first is not None and number is not None:
                return enumerate(chain([first], landed), number)
        return self._whole()

    def _behind(self, after: Place) -> Iterator[Numbered]:
        """Frames behind one whose number and time are known."""
        landed = self._land(after.time)
        for time, _ in landed:
            if time == after.time:
                return enumerate(landed, after.number + 1)
            if time > after.time:
                break
        return self._whole()

    def _land(self, time: float) -> Iterator[Timed]:
        """Frames from a key frame at or before ``time`` on; nothing if there is no safe way to get there.

        What is decoded before the first key frame may lean on frames that were skipped, so it is dropped. Some files
        then begin behind ``time``: a second attempt starts earlier.
        """
        if not self._indexed:
            return iter(())
        self._begun = None
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
        """How many frames are shown before a time stamp: packets are counted, none is decoded.

        None if packets have no or equal time stamps, or are damaged: then only decoding tells.
        """
        earlier = array("q")
        with av.open(self._address.place) as container:
            for packet in container.demux(container.streams[self._decoder.stream.index]):
                if packet.size == 0 or (stamp is not None and packet.dts is not None and packet.dts >= stamp):
                    break
                if stamp is None or packet.pts is None or packet.is_corrupt:
                    return None
                if packet.pts < stamp and not packet.is_discard:
                    earlier.append(packet.pts)
        return len(earlier) if len(np.unique(earlier)) == len(earlier) else None


def _ends_as_gif(place: str) -> bool:
    """Whether a file ends with a GIF's trailer, as far as it can be looked at; padding may follow."""
    try:
        with Path(place.removeprefix("file:")).open("rb") as file:
            file.seek(-min(4096, file.seek(0, os.SEEK_END)), os.SEEK_END)
            return file.read().rstrip(b"\0").endswith(b";")
    except OSError:
        return True


def _fitted(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height with square pixels (not yet upright), at most :data:`LONGEST`."""
    wide = float(aspect) if aspect and 0.2 < aspect < 5 else 1.0
    scale = min(1.0, LONGEST / max(width * wide, height))
    return max(1, round(scale * width * wide)), max(1, round(scale * height))
