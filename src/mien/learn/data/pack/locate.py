"""Locate the face of one row: by its own landmarks, by its box, or as the largest detected face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.faces.detect import Pixels, YuNet
from mien.learn.data.manifest.columns import BOX, Row
from mien.learn.data.pack.finder import Box, Finder
from mien.media.frame_lookup import FrameLookup
from mien.media.picture import VIDEOS, MediaError, read

Use = Literal["landmarks", "box", "detector"]

ReadPicture = Callable[[Row], Pixels]
"""Returns the picture of a row, H x W x 3 uint8, upright; raises MediaError or OSError if it cannot be read."""

FAR = 1.0
"""Share of the picture's longer side by which landmarks may be outside the picture; farther out they are an error."""


class NoFaceError(MediaError):
    """The picture can be read, but no face was found in it."""


@dataclass(frozen=True, eq=False)
class Place:
    """The position of a face, in pixels of its picture.

    Args:
        landmarks: 5 x 2.
        box: x, y, width and height; None if the landmarks came without one.
    """

    landmarks: NDArray[Any]
    box: Box | None


def locate_face(image: Pixels, row: Row, use: Use, finder: Finder, detectors: Sequence[YuNet]) -> Place:
    """The position of a row's face.

    Args:
        image: H x W x 3 uint8.
        row: its box (``x``, ``y``, ``width``, ``height``) and its ``landmarks`` may be missing.
        use: ``landmarks`` uses the row's own; without them, or with ``box``, the detected face that matches the row's
            box is used (:meth:`Finder.find_in_box`); without a box, or with ``detector``, the largest face.
        finder: how to detect faces.
        detectors: the finder's detectors.

    Raises:
        NoFaceError: if there is no such face.
        MediaError: if the box or the landmarks are unusable.
    """
    box = None if use == "detector" else _box(row)
    if use == "landmarks" and row.get("landmarks") is not None:
        return Place(_landmarks(row["landmarks"], image), box)
    face = finder.find_largest(image, detectors) if box is None else finder.find_in_box(image, detectors, box)
    if face is None:
        raise NoFaceError("no face found" if box is None else f"no face found in the box {_shown(box)}")
    return Place(face.landmarks, face.box)


class Pictures:
    """Reads the pictures of rows; a picture or video that consecutive rows share is opened once.

    Args:
        folder: the manifest's folder; a relative path that does not exist in the working directory is looked up here.
        picture: reads the pictures instead, for data sets whose pictures are not in files.
    """

    def __init__(self, folder: Path, picture: ReadPicture | None = None) -> None:
        self.folder, self.picture = folder, picture
        self._path = ""
        self._open: Pixels | FrameLookup | MediaError = MediaError("nothing was read")

    def __call__(self, row: Row) -> Pixels:
        """H x W x 3 uint8, upright.

        Raises:
            MediaError: if the picture, or the frame of the video, cannot be read.
            OSError: from ``picture``.
        """
        if self.picture is not None:
            return self.picture(row)
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
    values = [row.get(side) for side in BOX]
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
        raise MediaError(f"landmarks are outside the picture of {width} x {height} pixels")
    if np.ptp(points, axis=0).max() < 1:
        raise MediaError("landmarks coincide")
    return points


def _shown(box: Box) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"
