"""Frames of a video by their number."""

from __future__ import annotations

from pathlib import Path

from mien.faces.detect import Pixels
from mien.media.picture import MediaError
from mien.media.reader import VideoReader


class FrameLookup:
    """Looks up frames of a video by number, from 0 in display order.

    Ascending numbers decode the video once; a number lower than the last one decodes it again from the start. Frames
    are not scaled, because a manifest's boxes and landmarks are in their pixels.

    Args:
        path: path of the file.

    Raises:
        MediaError: if it cannot be opened or has no frames.
    """

    def __init__(self, path: Path) -> None:
        self._reader = VideoReader(path, fitted=False)
        self._rewind()

    def frame(self, number: int) -> Pixels:
        """Return the upright frame, H x W x 3 uint8.

        Raises:
            MediaError: if the video ends or cannot be decoded before it.
        """
        if number < 0:
            raise MediaError(f"frame {number}: frames are counted from 0")
        if number < self._at:
            self._rewind()
        try:
            while self._at < number:
                self._frame = next(self._frames)
                self._at += 1
        except StopIteration:
            raise MediaError(f"frame {number}: the video has {self._at + 1} frames") from None
        except MediaError as error:
            raise MediaError(f"frame {number}: {error}") from None
        pixels = self._frame.pixels
        if pixels is None:
            raise MediaError(f"frame {number}: the video is damaged here")
        return pixels

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _rewind(self) -> None:
        self._at, self._frames = -1, self._reader.frames()
