"""Writes frames with their times to an H.264 file that every player opens."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter
from PIL import Image

CLOCK = Fraction(1, 90_000)
"""The unit of time in the file, seconds: fine enough for every usual rate."""

OPTIONS = {"crf": "21", "preset": "veryfast"}
"""Options of libx264: thin lines stay sharp, a minute of 640 x 360 takes 1 to 4 MB, and encoding is faster than
annotating."""

BT709 = 1
"""FFmpeg's number for the colours of high-definition video, which players assume."""


class VideoWriteError(OSError):
    """A video that cannot be written; the message is one line."""


class Mp4Writer:
    """Writes a video frame by frame; a context manager, which completes the file even after an error.

    Frames keep their times, even at a variable rate; the first is shown at 0. Frames go to ``<path>.part``, which is
    renamed when it is complete, because an mp4 without its end cannot be played.

    Example:
        >>> with Mp4Writer("overlay.mp4", rate=25) as video:  # doctest: +SKIP
        ...     video.write(image, time=0.0)

    Args:
        path: the file; its name ends in .mp4.
        rate: approximate frames per second; a hint for the encoder.
        overwrite: replace an existing file.

    Raises:
        VideoWriteError: if the name does not end in .mp4, or the file exists or cannot be written; ``write`` raises it
            too.
    """

    def __init__(self, path: str | os.PathLike[str], *, rate: float | None = None, overwrite: bool = False) -> None:
        self.path, self.frames = Path(path), 0
        self._part = self.path.with_name(self.path.name + ".part")
        self._rate = Fraction(rate or 25).limit_denominator(1001)
        self._colours = VideoReformatter()  # shared by all frames: creating it takes longer than using it
        self._container: av.container.OutputContainer | None = None
        self._size, self._begin, self._last = (0, 0), 0.0, -1
        if self.path.suffix.lower() != ".mp4":
            raise VideoWriteError(f"{self.path}: the name must end in .mp4")
        if self.path.is_dir() or (self.path.exists() and not overwrite):
            what = "is a folder" if self.path.is_dir() else "already exists (use --overwrite to replace it)"
            raise VideoWriteError(f"{self.path}: {what}")
        try:
            self._part.open("wb").close()
        except OSError as error:
            raise VideoWriteError(f"{self.path}: cannot be written: {error.strerror}") from None

    def write(self, image: Image.Image, time: float) -> None:
        """Add a frame: an RGB image as large as the first, both sides even. ``time`` is in seconds, ascending."""
        try:
            if self._container is None:
                self._container = self._open(image.size, time)
            if image.size != self._size:
                raise ValueError(f"the frame is {image.size}, but the video is {self._size}")
            frame = av.VideoFrame.from_ndarray(np.asarray(image), "rgb24")
            frame = self._colours.reformat(frame, format="yuv420p", dst_colorspace=Colorspace.ITU709)
            self._last = max(round((time - self._begin) / CLOCK), self._last + 1)
            frame.pts, frame.time_base = self._last, CLOCK
            self._container.mux(self._stream.encode(frame))
            self.frames += 1
        except (av.FFmpegError, OSError) as error:
            self._abandon()  # another packet after a failed write crashes FFmpeg
            raise self._failed(error) from None

    def close(self) -> None:
        """Complete the file; without frames there is no file. A second call does nothing."""
        container, self._container = self._container, None
        try:
            if container is not None:
                try:
                    container.mux(self._stream.encode(None))
                finally:
                    container.close()
                self._part.replace(self.path)
        except (av.FFmpegError, OSError) as error:
            raise self._failed(error) from None
        finally:
            self._part.unlink(missing_ok=True)

    def _abandon(self) -> None:
        container, self._container = self._container, None
        with suppress(av.FFmpegError, OSError):
            if container is not None:
                container.close()
        self._part.unlink(missing_ok=True)

    def _open(self, size: tuple[int, int], time: float) -> av.container.OutputContainer:
        container = av.open(str(self._part), "w", "mp4", options={"movflags": "+faststart"})
        self._stream = container.add_stream("libx264", self._rate, OPTIONS)
        self._stream.width, self._stream.height = self._size = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = self._stream.codec_context.time_base = CLOCK
        codec = self._stream.codec_context
        codec.colorspace = codec.color_primaries = codec.color_trc = BT709
        codec.color_range = 1  # 16 ... 235
        self._begin = time
        return container

    def _failed(self, error: Exception) -> VideoWriteError:
        failure = VideoWriteError(f"{self.path}: cannot be written: {getattr(error, 'strerror', None) or error}")
        failure.errno = getattr(error, "errno", None)
        return failure

    def __enter__(self) -> Mp4Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except VideoWriteError:
            if error is None:  # otherwise report the first failure
                raise
