"""A series of pictures as a film."""

from __future__ import annotations

# os.path answers False where pathlib raises: in a forbidden folder, for an overlong name.
# ruff: noqa: PTH112, PTH113, PTH118, PTH119, PTH122, PTH207, PTH208
import glob
import os
import re
from collections.abc import Iterator

import numpy as np
from PIL import Image

from mien.faces.detect import Pixels
from mien.media.picture import SUFFIXES, MediaError, read
from mien.media.reader import LONGEST, Place, Shot


class ImageSequence:
    """Pictures that are the frames of a film, in the order of the numbers in their names.

    Args:
        place: a folder, a glob, or a pattern with ``%d`` or ``%04d`` in it.
        rate: frames a second.

    Attributes:
        width: of the first upright original in pixels; so is ``height``.
        duration: seconds.
        count: how many pictures there are.
        live: False, and ``seekable`` is True; see :class:`mien.media.reader.VideoReader`.
        damaged: how many could not be read so far; each keeps its number, and is passed over.

    Raises:
        MediaError: if there is none, or none that can be read.
    """

    live, seekable = False, True

    def __init__(self, place: str, rate: float) -> None:
        self._paths = _listed(place)
        self.rate, self.count, self.duration, self.damaged = rate, len(self._paths), len(self._paths) / rate, 0
        for path in self._paths:
            try:
                first = read(path)
                break
            except MediaError as error:
                fault = f"{os.path.basename(path)}: {error}"
        else:
            raise MediaError(f"none of these pictures can be read ({fault})")
        self.width, self.height = first.width, first.height
        scale = min(1.0, LONGEST / max(first.pixels.shape))
        height, width = first.pixels.shape[:2]
        self._size = max(1, round(scale * width)), max(1, round(scale * height))

    def shots(self, *, start: float = 0.0, after: Place | None = None) -> Iterator[Shot]:
        """The pictures with their numbers and times.

        Args:
            start: pictures before this time are left out.
            after: so are those up to this one.
        """
        for number, path in enumerate(self._paths):
            time = number / self.rate
            if time >= start and (after is None or number > after.number):
                try:
                    picture = read(path)
                except MediaError:
                    self.damaged += 1
                else:
                    yield Shot(number, time, picture.pixels, self._fitted)

    def close(self) -> None:
        """Nothing is open."""

    def _fitted(self, pixels: Pixels) -> Pixels:
        """Every frame has the size of the first, since the table's pixels are the first one's."""
        if pixels.shape[1::-1] == self._size:
            return pixels
        return np.asarray(Image.fromarray(pixels).resize(self._size, Image.Resampling.BOX))


def _listed(place: str) -> list[str]:
    if os.path.isdir(place):
        found = [os.path.join(place, name) for name in os.listdir(place) if not name.startswith(".")]
    elif glob.has_magic(place):
        found = glob.glob(place, recursive=True)
    else:
        folder, name = os.path.split(place)
        shape = re.compile(re.sub(r"%(0?)(\d*)d", _digits, re.escape(name).replace("%%", "%")))
        listed = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
        found = [os.path.join(folder, other) for other in listed if shape.fullmatch(other)]
    pictures = [path for path in found if os.path.splitext(path)[1].lower() in SUFFIXES and os.path.isfile(path)]
    if not pictures:
        raise MediaError("no pictures in this folder" if os.path.isdir(place) else "no picture matches")
    return sorted(pictures, key=_by_number)


def _digits(match: re.Match[str]) -> str:
    """The numbers that ``%d`` or ``%04d`` would print."""
    return rf"\d{{{match[2]},}}" if match[1] and match[2] else r"\d+"


def _by_number(path: str) -> list[tuple[int, str]]:
    """A key that sorts 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]
