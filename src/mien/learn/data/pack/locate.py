"""The face that a row of a manifest means: by its own landmarks, by its box, or by the detector alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.faces.detect import Pixels, YuNet
from mien.learn.data.pack.finder import Box, Finder
from mien.learn.data.pack.write import Row
from mien.media.frame_lookup import FrameLookup
from mien.media.picture import VIDEOS, MediaError, read

Use = Literal["landmarks", "box", "detector"]

SIDES = ("x", "y", "width", "height")

FAR = 1.0
"""Landmarks may lie beyond the picture's border by this share of its longer side; farther out they are an error."""


class NoFaceError(MediaError):
    """The picture is there, but no face in it."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where a face is, in pixels of its picture.

    Args:
        landmarks: 5 x 2.
        box: x, y, width and height; None where the landmarks were given without one.
    """

    landmarks: NDArray[Any]
    box: Box | None


def locate(image: Pixels, row: Row, use: Use, finder: Finder, detectors: Sequence[YuNet]) -> Place:
    """The face of a row.

    Args:
        image: H x W x 3 uint8.
        row: with or without a box (``x``, ``y``, ``width``, ``height``) and ``landmarks``.
        use: ``landmarks`` takes those of the row; where there are none, or with ``box``, it is the detected face that
            the row's box means (:meth:`Finder.near`); without a box, or with ``detector``, it is the largest face.
        finder, detectors: of faces.

    Raises:
        NoFaceError: if there is no such face.
        MediaError: if box or landmarks cannot be used.
    """
    box = None if use == "detector" else _box(row)
    if use == "landmarks" and row.get("landmarks") is not None:
        return Place(_landmarks(row["landmarks"], image), box)
    face = finder(image, detectors) if box is None else finder.near(image, detectors, box)
    if face is None:
        raise NoFaceError("no face found" if box is None else f"no face found in the box {_shown(box)}")
    return Place(face.landmarks, face.box)


class Pictures:
    """The pictures of rows; one that follows in the next row again is read once, and so is a video.

    Args:
        folder: of the manifest; a path that leads nowhere from the working directory is looked for there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = ""
        self._open: Pixels | FrameLookup | MediaError = MediaError("nothing was read")

    def __call__(self, row: Row) -> Pixels:
        """H x W x 3 uint8, upright.

        Raises:
            MediaError: if the picture, or the frame of the video, cannot be read.
        """
        if row["path"] != self._path:
            if isinstance(self._open, FrameLookup):
                self._open.close()
            self._path, self._open = str(row["path"]), self._opened(str(row["path"]))
        if isinstance(self._open, MediaError):
            raise self._open
        if not isinstance(self._open, FrameLookup):
            return self._open
        if row.get("frame") is None:
            raise MediaError("is a video, but the row has no frame")
        return self._open.frame(int(row["frame"]))

    def _opened(self, name: str) -> Pixels | FrameLookup | MediaError:
        path = Path(name)
        path = path if path.is_absolute() or path.exists() else self.folder / path
        try:
            return FrameLookup(path) if path.suffix.lower() in VIDEOS else read(path).pixels
        except MediaError as error:
            return error


def _box(row: Row) -> Box | None:
    values = [row.get(side) for side in SIDES]
    if any(value is None for value in values):
        return None
    x, y, width, height = (float(value) for value in values if value is not None)
    if not (np.isfinite([x, y, width, height]).all() and width > 0 and height > 0):
        raise MediaError(f"the box {_shown((x, y, width, height))} has no area")
    return x, y, width, height


def _landmarks(values: Any, image: Pixels) -> NDArray[np.float64]:
    points = np.asarray(values, np.float64)
    if points.shape != (10,) or not np.isfinite(points).all():
        raise MediaError(f"landmarks must be 10 numbers, not {list(values)}")
    points = points.reshape(5, 2)
    height, width = image.shape[:2]
    margin = FAR * max(height, width)
    if (points < -margin).any() or (points > np.array([width, height]) + margin).any():
        raise MediaError(f"landmarks lie outside the picture of {width} x {height} pixels")
    if np.ptp(points, axis=0).max() < 1:
        raise MediaError("landmarks coincide")
    return points


def _shown(box: Box) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"
