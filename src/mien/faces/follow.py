"""Detects the faces of a video: in the whole frame at intervals, in between in a window around each known face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from mien.faces.detect import Detector, Face, Pixels
from mien.faces.track import OVERLAP, overlaps

WINDOW = 2.0
"""Side of a window relative to the face's box: the face may move by half its width from frame to frame."""

MIN_WINDOW = 96
"""Smallest side of a window, in pixels of the frame: a small face is not detected without its surroundings."""

PASS_SIDES = (640, 1280)
"""Longer sides of the detector's passes over a whole frame, to estimate the cost; only large frames get the second."""

OVERHEAD = 160 * 160
"""Fixed cost of a pass, in pixels: 0.8 of the 9 milliseconds that 640 x 360 takes."""

MAX_WINDOW_COST = 0.75
"""Windows are used only if they cost at most this fraction of a pass over the frame, which may still be needed."""

SAME = 0.3
"""Two windows whose faces have more than this intersection over union have found the same face."""


@dataclass(frozen=True)
class Quality:
    """How often the whole frame is searched, and the resolution of windows.

    Args:
        every: search the whole frame once in this many frames, and whenever a face was lost. A new face is found at
            most this many frames late.
        side: side in pixels to which a window is reduced; None to search every frame as a whole.
    """

    every: int
    side: int | None


QUALITIES: Mapping[str, Quality] = MappingProxyType(
    {"best": Quality(1, None), "balanced": Quality(5, 192), "fast": Quality(15, 160)}
)
"""Qualities by name; ``benchmarks/follow_faces.py`` measures their cost and their difference from ``best``."""


class Follower:
    """Detects the faces in the frames of a video, one frame after another.

    It keeps no state: the frame's index and the faces of the previous frame decide what is searched, so a run can
    resume from the table alone.

    Args:
        detector: detects the faces in a picture.
        quality: a name in :data:`QUALITIES`, or a custom quality.

    Raises:
        ValueError: for an unknown name.
    """

    def __init__(self, detector: Detector, quality: str | Quality = "balanced") -> None:
        if isinstance(quality, str) and quality not in QUALITIES:
            raise ValueError(f"quality must be one of {', '.join(QUALITIES)}, not {quality!r}")
        self.detector = detector
        self.quality = QUALITIES[quality] if isinstance(quality, str) else quality

    def __call__(self, image: Pixels, index: int, known: ArrayLike) -> list[Face]:
        """Detect the faces in a frame, largest first.

        Args:
            image: H x W x 3 uint8.
            index: number of sampled frames before this one.
            known: N x 4, the boxes (x, y, width, height) of the previous frame, in pixels of ``image``. They must have
                the table's precision, so that a resumed run searches the same windows.
        """
        boxes = np.asarray(known, np.float64).reshape(-1, 4)
        if index % self.quality.every == 0 or self.quality.side is None:
            return self.detector(image)
        if not len(boxes):
            return []
        windows = [_Window.around(box, image, self.quality.side) for box in boxes]
        if sum(window.cost for window in windows) > MAX_WINDOW_COST * _frame_cost(image):
            return self.detector(image)
        found = [window.face(image, box, self.detector) for window, box in zip(windows, boxes, strict=True)]
        faces = [face for face in found if face is not None]
        boxes_found = np.array([face.box for face in faces]).reshape(-1, 4)
        if len(faces) < len(boxes) or (np.triu(overlaps(boxes_found, boxes_found), 1) > SAME).any():
            return self.detector(image)
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])


def _frame_cost(image: Pixels) -> float:
    """Cost of searching the whole frame, in pixels."""
    height, width = image.shape[:2]
    sides = PASS_SIDES if max(height, width) > PASS_SIDES[1] else PASS_SIDES[:1]
    return float(sum(height * width * min(1.0, side / max(height, width)) ** 2 + OVERHEAD for side in sides))


@dataclass(frozen=True)
class _Window:
    """A part of a frame, in whole pixels, and the size to which it is reduced."""

    left: int
    top: int
    right: int
    bottom: int
    size: tuple[int, int]

    @classmethod
    def around(cls, box: NDArray[np.float64], image: Pixels, side: int) -> _Window:
        centre, reach = box[:2] + box[2:] / 2, max(MIN_WINDOW, WINDOW * box[2:].max()) / 2
        border = np.array(image.shape[1::-1])
        left, top = np.clip(np.floor(centre - reach), 0, border - 1).astype(int).tolist()
        right, bottom = np.clip(np.ceil(centre + reach), [left + 1, top + 1], border).astype(int).tolist()
        scale = min(1.0, side / max(right - left, bottom - top))
        size = max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))
        return cls(left, top, right, bottom, size)

    @property
    def cost(self) -> int:
        return self.size[0] * self.size[1] + OVERHEAD

    def face(self, image: Pixels, box: NDArray[np.float64], detector: Detector) -> Face | None:
        """Detect the face that was at ``box``, in pixels of the frame."""
        part = image[self.top : self.bottom, self.left : self.right]
        if self.size != part.shape[1::-1]:
            part = np.asarray(Image.fromarray(part).resize(self.size, Image.Resampling.BOX))
        grow = np.array([self.right - self.left, self.bottom - self.top]) / self.size
        faces = [self._in_frame(face, grow) for face in detector(part)]
        overlap = overlaps(box[None], np.array([face.box for face in faces]).reshape(-1, 4))[0]
        if not (overlap >= OVERLAP).any():
            return None
        return faces[int(overlap.argmax())]

    def _in_frame(self, face: Face, grow: NDArray[np.float64]) -> Face:
        x, y = (np.array(face.box[:2]) * grow + (self.left, self.top)).tolist()
        width, height = (np.array(face.box[2:]) * grow).tolist()
        landmarks = np.float32(face.landmarks * grow + (self.left, self.top))
        return replace(face, box=(x, y, width, height), landmarks=landmarks)
