"""Opening a video with PyAV, and decoding it: pictures with their times, damage told from the end."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

import av

from mien.media.picture import MediaError

TIMEOUT = 10.0
"""Seconds without an answer after which a stream counts as dead."""

DEVICES = ("v4l2", "avfoundation", "dshow", "gdigrab", "x11grab", "lavfi")
"""Formats that ``FORMAT:NAME`` may open a device with; ``/dev/video0`` is ``v4l2:/dev/video0``."""

TEXT = frozenset(("tty", "bin", "xbin", "adf", "idf"))
"""Formats in which FFmpeg would draw a text file."""

COVER = 0x400
"""FFmpeg's AV_DISPOSITION_ATTACHED_PIC: the picture on the cover of a record."""

HOPELESS = 1000
"""After so many damaged packets in a row nothing good is to be expected."""

USUAL_RATE = 25.0
"""Frames a second where the container has neither time stamps nor a rate."""

Timed: TypeAlias = tuple[float, Any]
"""The time of a frame in seconds, and the frame as PyAV gives it."""


class Address(NamedTuple):
    """What FFmpeg is to open, as which format (None: it finds out), and whether it can be read only once."""

    place: str
    format: str | None
    live: bool


def locate(source: str) -> Address:
    """The address of a file, a URL or a device.

    Raises:
        MediaError: if it is a file that is missing or empty, or no file.
    """
    if source.startswith("/dev/video"):
        return Address(source, "v4l2", True)
    kind, _, name = source.partition(":")
    if kind in DEVICES and name:
        return Address(name, kind, True)
    if name.startswith("//"):
        return Address(source, None, True)
    try:
        status = Path(source).stat()
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        raise MediaError("no such file" if missing else f"cannot be read ({_reason(error)})") from None
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("is a folder" if stat.S_ISDIR(status.st_mode) else "is not a regular file")
    if status.st_size == 0:
        raise MediaError("the file is empty")
    return Address(f"file:{source}", None, False)  # without "file:", a colon in a name is read as a protocol


class Decoder:
    """An opened container, and the first of its video streams that is no cover picture.

    Args:
        address: of the container.

    Attributes:
        container: PyAV's.
        stream: PyAV's.
        rate: frames a second on average, or None.
        end: seconds at which the last packet that was read ends.
        damaged: how many packets or frames could not be decoded, or not wholly.

    Raises:
        MediaError: if it cannot be opened, or has no pictures.
    """

    def __init__(self, address: Address) -> None:
        options = {"rtsp_transport": "tcp"} if address.place.startswith("rtsp:") else {}
        self._patience = TIMEOUT if address.live else None
        asked = monotonic()
        try:
            self.container: Any = av.open(address.place, format=address.format, options=options, timeout=self._patience)
        except (av.FFmpegError, OSError, ValueError) as error:
            if self._gave_up(error, asked):
                raise MediaError(f"no answer within {TIMEOUT:g} seconds") from None
            raise MediaError(f"the video cannot be opened ({_reason(error)})") from None
        self.stream: Any = self._chosen()
        self.stream.codec_context.thread_count = 1  # the networks want the cores
        rate = self.stream.average_rate or self.stream.guessed_rate
        self.rate = float(rate) if rate else None
        self._origin = None if address.live else Fraction(self.container.start_time or 0, av.time_base)
        self._last: float | None = None
        self.end, self.damaged = 0.0, 0

    def _chosen(self) -> Any:
        films = [film for film in self.container.streams.video if not film.disposition.value & COVER]
        if self.container.format.name in TEXT:
            raise MediaError("is not a video")
        if not films:
            raise MediaError("has no pictures" + ", only sound" * bool(self.container.streams.audio))
        if films[0].codec_context is None:
            raise MediaError("is of a kind that cannot be decoded")
        return films[0]

    def frames(self) -> Iterator[Timed]:
        """Times and pictures from where the container stands, in the order in which they are shown.

        Damaged packets are passed over, as players do.

        Raises:
            MediaError: if the end cannot be reached, after the last frame that could be decoded.
        """
        packets, broken, fault, reason = self.container.demux(self.stream), 0, "", ""
        while broken < HOPELESS:
            packet = None  # which makes the decoder give back what it holds
            asked = monotonic()
            try:
                packet = next(packets, None)
            except IndexError:
                pass  # PyAV's own, at the end of a file in which more streams appeared than it began with
            except (av.FFmpegError, OSError) as error:
                silent = f"the stream gave nothing for {TIMEOUT:g} seconds"
                fault = silent if self._gave_up(error, asked) else self._damage(_reason(error))
            try:
                pictures = self.stream.decode(packet)
                broken = 0 if pictures else broken
            except av.EOFError:
                pictures = []
            except (av.FFmpegError, OSError) as error:
                pictures, broken, reason = [], broken + 1, _reason(error)
                self.damaged += 1
            for picture in pictures:
                self.damaged += bool(picture.is_corrupt)
                yield self._time(picture), picture
            if packet is None:
                break
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None and self._origin is not None:
                self.end = max(self.end, self._seconds(stamp + (packet.duration or 0)))
        if fault or broken:
            raise MediaError(fault or self._damage(reason))

    def seek(self, time: float) -> bool:
        """Goes to a key frame, most often the last one before ``time``; False if the container cannot."""
        try:
            stamp = (Fraction(time) + (self._origin or 0)) / self.stream.time_base
            self.container.seek(round(stamp), stream=self.stream)
        except (av.FFmpegError, OSError):
            return False
        self._last = None
        return True

    @property
    def duration(self) -> float | None:
        """Seconds in all, as far as the container says."""
        if self.stream.duration is not None:
            return float(self.stream.duration * self.stream.time_base)
        return None if self.container.duration is None else float(self.container.duration / av.time_base)

    def close(self) -> None:
        """Give the file back."""
        self.container.close()

    def _gave_up(self, error: Exception, asked: float) -> bool:
        """Whether an error is that of waiting too long; FFmpeg has several names for it."""
        late = self._patience is not None and monotonic() - asked >= self._patience
        return late or isinstance(error, av.ExitError)

    def _time(self, picture: Any) -> float:
        """The frame's time stamp; one that is missing or runs backwards is one step behind the last frame's."""
        stamp = picture.dts if picture.pts is None else picture.pts
        time = None if stamp is None else self._seconds(stamp)
        if self._last is None:
            self._last = time or 0.0
        elif time is not None and time > self._last:
            self._last = time
        else:
            self._last += 1 / (self.rate or USUAL_RATE)
        return self._last

    def _seconds(self, stamp: int) -> float:
        if self._origin is None:
            self._origin = stamp * self.stream.time_base
        return float(stamp * self.stream.time_base - self._origin)

    def _damage(self, reason: str) -> str:
        where = "no frame can be decoded" if self._last is None else f"damaged after {self._last:.2f} seconds"
        return f"{where} ({reason})"


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
