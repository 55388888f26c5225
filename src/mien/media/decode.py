"""Decodes a video with PyAV into frames with their times, and distinguishes damage from the end of the video."""

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
"""Seconds without an answer after which a stream is abandoned."""

DEVICES = ("v4l2", "avfoundation", "dshow", "gdigrab", "x11grab", "lavfi")
"""Device formats that ``FORMAT:NAME`` accepts; ``/dev/video0`` is short for ``v4l2:/dev/video0``."""

TEXT = frozenset(("tty", "bin", "xbin", "adf", "idf"))
"""Formats with which FFmpeg would render a text file as video."""

COVER = 0x400
"""FFmpeg's AV_DISPOSITION_ATTACHED_PIC: cover art of an audio file."""

MAX_DAMAGED = 1000
"""Decoding ends after this many damaged packets in a row."""

DEFAULT_RATE = 25.0
"""Frames per second of a container with neither time stamps nor a rate."""

TimedFrame: TypeAlias = tuple[float, Any]
"""The time of a frame in seconds, and PyAV's frame."""


class Address(NamedTuple):
    """What FFmpeg opens, its format (None: detected by FFmpeg), and whether it can be read only once."""

    url: str
    format: str | None
    live: bool


def locate(source: str) -> Address:
    """The address of a file, a URL or a device.

    Raises:
        MediaError: if the file is missing, empty, or not a regular file.
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
    """An open container and its first video stream that is not cover art.

    Args:
        address: the address of the container.

    Attributes:
        container: the PyAV container.
        stream: the PyAV stream.
        rate: average frames per second, or None.
        end: time in seconds at which the last packet read so far ends.
        damaged: number of packets or frames that could not be decoded completely.

    Raises:
        MediaError: if it cannot be opened or has no video stream.
    """

    def __init__(self, address: Address) -> None:
        options = {"rtsp_transport": "tcp"} if address.url.startswith("rtsp:") else {}
        self._timeout = TIMEOUT if address.live else None
        started = monotonic()
        try:
            self.container: Any = av.open(address.url, format=address.format, options=options, timeout=self._timeout)
        except (av.FFmpegError, OSError, ValueError) as error:
            if self._timed_out(error, started):
                raise MediaError(f"no answer within {TIMEOUT:g} seconds") from None
            raise MediaError(f"cannot be opened as a video ({_reason(error)})") from None
        self.stream: Any = self._video_stream()
        self.stream.codec_context.thread_count = 1  # leaves the cores to the networks
        rate = self.stream.average_rate or self.stream.guessed_rate
        self.rate = float(rate) if rate else None
        self._origin = None if address.live else Fraction(self.container.start_time or 0, av.time_base)
        self._last: float | None = None
        self.end, self.damaged = 0.0, 0

    def _video_stream(self) -> Any:
        streams = [stream for stream in self.container.streams.video if not stream.disposition.value & COVER]
        if self.container.format.name in TEXT:
            raise MediaError("not a video")
        if not streams:
            raise MediaError("has no video" + ", only sound" * bool(self.container.streams.audio))
        if streams[0].codec_context is None:
            raise MediaError("has a codec that cannot be decoded")
        return streams[0]

    def frames(self) -> Iterator[TimedFrame]:
        """Yield times and frames from the container's current position, in display order.

        Damaged packets are skipped, as players do.

        Raises:
            MediaError: if the end cannot be reached, after the last frame that could be decoded.
        """
        packets, broken, failure, reason = self.container.demux(self.stream), 0, "", ""
        while broken < MAX_DAMAGED:
            packet = None  # makes the decoder return the frames that it still holds
            started = monotonic()
            try:
                packet = next(packets, None)
            except IndexError:
                pass  # PyAV raises it at the end of a file in which streams appeared after the start
            except (av.FFmpegError, OSError) as error:
                silent = f"the stream sent nothing for {TIMEOUT:g} seconds"
                failure = silent if self._timed_out(error, started) else self._damage(_reason(error))
            try:
                decoded = self.stream.decode(packet)
                broken = 0 if decoded else broken
            except av.EOFError:
                decoded = []
            except (av.FFmpegError, OSError) as error:
                decoded, broken, reason = [], broken + 1, _reason(error)
                self.damaged += 1
            for frame in decoded:
                self.damaged += bool(frame.is_corrupt)
                yield self._time(frame), frame
            if packet is None:
                break
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None and self._origin is not None:
                self.end = max(self.end, self._seconds(stamp + (packet.duration or 0)))
        if failure or broken:
            raise MediaError(failure or self._damage(reason))

    def seek(self, time: float) -> bool:
        """Seek to a key frame, usually the last one before ``time``; return False if the container cannot seek."""
        try:
            stamp = (Fraction(time) + (self._origin or 0)) / self.stream.time_base
            self.container.seek(round(stamp), stream=self.stream)
        except (av.FFmpegError, OSError):
            return False
        self._last = None
        return True

    @property
    def duration(self) -> float | None:
        """Duration in seconds, if the container states it."""
        if self.stream.duration is not None:
            return float(self.stream.duration * self.stream.time_base)
        return None if self.container.duration is None else float(self.container.duration / av.time_base)

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def _timed_out(self, error: Exception, started: float) -> bool:
        """Whether an error is a timeout, which FFmpeg raises under several names."""
        late = self._timeout is not None and monotonic() - started >= self._timeout
        return late or isinstance(error, av.ExitError)

    def _time(self, frame: Any) -> float:
        """The frame's time stamp; a missing or decreasing one is replaced by one step after the last frame's."""
        stamp = frame.dts if frame.pts is None else frame.pts
        time = None if stamp is None else self._seconds(stamp)
        if self._last is None:
            self._last = time or 0.0
        elif time is not None and time > self._last:
            self._last = time
        else:
            self._last += 1 / (self.rate or DEFAULT_RATE)
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
