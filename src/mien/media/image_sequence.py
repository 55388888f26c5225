"""A sequence of pictures, read as a video."""

from __future__ import annotations

# os.path returns False where pathlib raises: in a forbidden folder, or for an overlong name.
# ruff: noqa: PTH112, PTH113, PTH118, PTH119, PTH122, PTH207, PTH208
import glob
import os
import re
from collections.abc import Iterator

import numpy as np
from PIL import Image

from mien.faces.detect import Pixels
from mien.media.picture import SUFFIXES, MediaError, read
from mien.media.reader import LONGEST, DecodedFrame, Position


class ImageSequence:
    """Pictures that are the frames of a video, in the order of the numbers in their names.

    Args:
        source: a folder, a glob, or a pattern with ``%d`` or ``%04d`` in it.
        rate: frames per second.

    Attributes:
        width, height: size of the first upright original, in pixels.
        duration: length in seconds.
        count: number of pictures.
        live, seekable: False and True; see :class:`mien.media.reader.VideoReader`.
        damaged: number of pictures that could not be read so far; each keeps its number, and is skipped.

    Raises:
        MediaError: if there are no pictures, or none can be read.
    """

    live, seekable = False, True

    def __init__(self, source: str, rate: float) -> None:
        self._paths = _listed(source)
        self.rate, self.count, self.duration, self.damaged = rate, len(self._paths), len(self._paths) / rate, 0
        for path in self._paths:
            try:
                first = read(path)
                break
            except MediaError as error:
                reason = f"{os.path.basename(path)}: {error}"
        else:
            raise MediaError(f"none of these pictures can be read ({reason})")
        self.width, self.height = first.width, first.height
        scale = min(1.0, LONGEST / max(first.pixels.shape))
        height, width = first.pixels.shape[:2]
        self._size = max(1, round(scale * width)), max(1, round(scale * height))

    def frames(self, *, start: float = 0.0, after: Position | None = None) -> Iterator[DecodedFrame]:
        """Yield the pictures with their numbers and times.

        Args:
            start: skip pictures before this time.
            after: skip pictures up to this one.
        """
        for number, path in enumerate(self._paths):
            time = number / self.rate
            if time >= start and (after is None or number > after.number):
                try:
                    picture = read(path)
                except MediaError:
                    self.damaged += 1
                else:
                    yield DecodedFrame(number, time, picture.pixels, self._fitted)

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _fitted(self, pixels: Pixels) -> Pixels:
        """Resize to the size of the first picture, because the table is in its pixels."""
        if pixels.shape[1::-1] == self._size:
            return pixels
        return np.asarray(Image.fromarray(pixels).resize(self._size, Image.Resampling.BOX))


def _listed(source: str) -> list[str]:
    if os.path.isdir(source):
        found = [os.path.join(source, name) for name in os.listdir(source) if not name.startswith(".")]
    elif glob.has_magic(source):
        found = glob.glob(source, recursive=True)
    else:
        folder, name = os.path.split(source)
        shape = re.compile(re.sub(r"%(0?)(\d*)d", _digits, re.escape(name).replace("%%", "%")))
        listed = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
        found = [os.path.join(folder, other) for other in listed if shape.fullmatch(other)]
    pictures = [path for path in found if os.path.splitext(path)[1].lower() in SUFFIXES and os.path.isfile(path)]
    if not pictures:
        raise MediaError("no pictures in this folder" if os.path.isdir(source) else "no pictures match")
    return sorted(pictures, key=_by_number)


def _digits(match: re.Match[str]) -> str:
    """A pattern for the numbers that ``%d`` or ``%04d`` prints."""
    return rf"\d{{{match[2]},}}" if match[1] and match[2] else r"\d+"


def _by_number(path: str) -> list[tuple[int, str]]:
    """A sort key that orders 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]
