"""Frames of a video by their number, decoded by PyAV one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mien.annotate.media import MediaError
from mien.faces.detect import Pixels


class Video:
    """A video whose frames are asked for by number, from 0 in the order in which they are shown.

    Ascending numbers decode it once; a number that was passed decodes it from its beginning again.

    Args:
        path: of the file.

    Raises:
        MediaError: if it cannot be opened, or has no pictures.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._container: Any = None
        self._begin()

    def frame(self, number: int) -> Pixels:
        """The frame, upright, H x W x 3 uint8.

        Raises:
            MediaError: if the video ends or cannot be decoded before it.
        """
        if number < 0:
            raise MediaError(f"frame {number}: frames are counted from 0")
        if number < self._at:
            self._begin()
        while self._at < number:
            self._frame = self._next(number)
            self._at += 1
        return _upright(self._frame)

    def close(self) -> None:
        """Give the file back."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _begin(self) -> None:
        import av

        self.close()
        self._at, self._frame = -1, None
        try:
            self._container = av.open(str(self.path))
            stream = self._container.streams.video[0]
            stream.codec_context.thread_count = 1  # there are as many processes as cores
            self._frames: Iterator[Any] = self._container.decode(stream)
        except IndexError:
            raise MediaError("has no pictures") from None
        except (av.FFmpegError, OSError) as error:
            raise MediaError(f"the video cannot be opened ({error.strerror or error})") from None

    def _next(self, number: int) -> Any:
        import av

        try:
            return next(self._frames)
        except StopIteration:
            raise MediaError(f"frame {number}: the video has {self._at + 1} frames") from None
        except (av.FFmpegError, OSError) as error:
            reason = f"damaged after frame {self._at} ({error.strerror or error})"
            raise MediaError(f"frame {number}: the video is {reason}") from None


def _upright(frame: Any) -> Pixels:
    """The picture as players show it: telephones note how they were held instead of turning the pixels."""
    pixels: Pixels = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
