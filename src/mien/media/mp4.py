"""Pictures with times to an H.264 file that every player opens."""

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

from mien.table.writer import TableWriteError

CLOCK = Fraction(1, 90_000)
"""The unit of time in the file, seconds: fine enough for every usual rate."""

OPTIONS = {"crf": "21", "preset": "veryfast"}
"""Of libx264: thin lines stay sharp, a minute of 640 x 360 takes 1 to 4 MB, and encoding is faster than annotating."""

BT709 = 1
"""FFmpeg's number for the colours of high definition, which players assume."""


class Mp4:
    """A video file that grows; a context manager, which completes it however it is left.

    Frames keep their times (a variable rate stays one); the first is shown at 0. What is written goes to
    ``<path>.part``, and takes its name when it is complete: an mp4 without its end cannot be played, and a killed
    process leaves none.

    Args:
        path: ends in .mp4.
        rate: frames a second, about; a hint for the encoder.
        overwrite: whether an existing file may be replaced.

    Raises:
        TableWriteError: if the name is another, the file exists or cannot be written; from ``write`` too.
    """

    def __init__(self, path: str | os.PathLike[str], *, rate: float | None = None, overwrite: bool = False) -> None:
        self.path, self.frames = Path(path), 0
        self._part = self.path.with_name(self.path.name + ".part")
        self._rate = Fraction(rate or 25).limit_denominator(1001)
        self._colours = VideoReformatter()  # one for all frames: making it takes longer than using it
        self._container: av.container.OutputContainer | None = None
        self._size, self._begin, self._last = (0, 0), 0.0, -1
        if self.path.suffix.lower() != ".mp4":
            raise TableWriteError(f"{self.path}: the name must end in .mp4")
        if self.path.is_dir() or (self.path.exists() and not overwrite):
            what = "is a folder" if self.path.is_dir() else "already exists (use --overwrite to replace it)"
            raise TableWriteError(f"{self.path}: {what}")
        try:
            self._part.open("wb").close()
        except OSError as error:
            raise TableWriteError(f"{self.path}: cannot be written: {error.strerror}") from None

    def write(self, image: Image.Image, time: float) -> None:
        """Add a frame, an RGB image of the first one's size, both sides even; ``time`` in seconds, ascending."""
        try:
            if self._container is None:
                self._container = self._open(image.size, time)
            if image.size != self._size:
                raise ValueError(f"a frame of {image.size} in a video of {self._size}")
            frame = av.VideoFrame.from_ndarray(np.asarray(image), "rgb24")
            frame = self._colours.reformat(frame, format="yuv420p", dst_colorspace=Colorspace.ITU709)
            self._last = max(round((time - self._begin) / CLOCK), self._last + 1)
            frame.pts, frame.time_base = self._last, CLOCK
            self._container.mux(self._stream.encode(frame))
            self.frames += 1
        except (av.FFmpegError, OSError) as error:
            self._abandon()  # after a failed write FFmpeg must not be given another packet: it crashes
            raise self._failed(error) from None

    def close(self) -> None:
        """Complete the file; without a frame there is none. A second call does nothing."""
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

    def _failed(self, error: Exception) -> TableWriteError:
        said = f"{self.path}: cannot be written: {getattr(error, 'strerror', None) or error}"
        failure = TableWriteError(said)
        failure.errno = getattr(error, "errno", None)
        return failure

    def __enter__(self) -> Mp4:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except TableWriteError:
            if error is None:  # else the first failure is the one to tell
                raise
