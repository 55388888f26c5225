"""Frames of a video by their number, decoded one after the other."""

from __future__ import annotations

from pathlib import Path

from mien.faces.detect import Pixels
from mien.media.picture import MediaError
from mien.media.reader import VideoReader


class Video:
    """A video whose frames are asked for by number, from 0 in the order in which they are shown.

    Ascending numbers decode it once; a number that was passed decodes it from its beginning again. Frames keep their
    size, whatever it is, since the boxes and landmarks of a manifest are in its pixels.

    Args:
        path: of the file.

    Raises:
        MediaError: if it cannot be opened, or has no pictures.
    """

    def __init__(self, path: Path) -> None:
        self._film = VideoReader(path, fitted=False)
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
        try:
            while self._at < number:
                self._shot = next(self._shots)
                self._at += 1
        except StopIteration:
            raise MediaError(f"frame {number}: the video has {self._at + 1} frames") from None
        except MediaError as error:
            raise MediaError(f"frame {number}: {error}") from None
        pixels = self._shot.pixels
        if pixels is None:
            raise MediaError(f"frame {number}: the video is damaged here")
        return pixels

    def close(self) -> None:
        """Give the file back."""
        self._film.close()

    def _begin(self) -> None:
        self._at, self._shots = -1, self._film.shots()
