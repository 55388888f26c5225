"""Finding the faces of a video: now and then in the whole frame, between in a window around each face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from mien.faces.detect import Detector, Face, Pixels
from mien.faces.track import OVERLAP, overlaps

WIDE = 2.0
"""Side of a window in sides of the face's box: from frame to frame the face may move by half its width."""

LEAST = 96
"""No window has a smaller side, in pixels of the frame: a small face is not found without what is around it."""

LOOKS = (640, 1280)
"""Longer sides at which a detector looks at a whole frame, to tell what that costs: at the second if it is large."""

OVERHEAD = 160 * 160
"""What a look costs beside its pixels, in pixels: 0.8 of the 9 milliseconds of 640 x 360."""

SAVING = 0.75
"""Windows that together cost more than this share of a whole look are not worth the risk of a second one."""

APART = 0.3
"""Two windows whose faces have more than this intersection over union have found the same one."""


@dataclass(frozen=True)
class Quality:
    """How much is spent on finding faces.

    Args:
        every: the whole frame is looked at every so many frames, and wherever a face was lost. So long may it take
            until a new face is seen, and until the whole frame is searched again for one that nobody found.
        side: a window is reduced to this many pixels, or None if every frame is looked at as a whole.
    """

    every: int
    side: int | None


QUALITIES: Mapping[str, Quality] = MappingProxyType(
    {"best": Quality(1, None), "balanced": Quality(5, 192), "fast": Quality(15, 160)}
)
"""By name. What each costs and how far it departs from ``best`` is measured by ``benchmarks/follow_faces.py``."""


class Follower:
    """Finds the faces of the frames of a video, one after the other.

    It remembers nothing: what is looked at follows from the frame's index and the faces of the frame before. So a run
    that goes on needs only these, as the table has them.

    Args:
        detector: of the faces in a picture.
        quality: a name in :data:`QUALITIES`, or one of one's own.

    Raises:
        ValueError: for a quality that is none.
    """

    def __init__(self, detector: Detector, quality: str | Quality = "balanced") -> None:
        if isinstance(quality, str) and quality not in QUALITIES:
            raise ValueError(f"quality {quality!r} is none of {', '.join(QUALITIES)}")
        self.detector = detector
        self.quality = QUALITIES[quality] if isinstance(quality, str) else quality

    def __call__(self, image: Pixels, index: int, known: ArrayLike) -> list[Face]:
        """The faces of a frame, largest first.

        Args:
            image: H x W x 3 uint8.
            index: how many frames were looked at before this one.
            known: N x 4, the boxes (x, y, width, height) of the frame before, in pixels of ``image``. For a run that
                goes on to see the same windows, they must have gone through the table's precision.
        """
        boxes = np.asarray(known, np.float64).reshape(-1, 4)
        if index % self.quality.every == 0 or self.quality.side is None:
            return self.detector(image)
        if not len(boxes):
            return []
        windows = [_Window.around(box, image, self.quality.side) for box in boxes]
        if sum(window.cost for window in windows) > SAVING * _whole_cost(image):
            return self.detector(image)
        found = [window.face(image, box, self.detector) for window, box in zip(windows, boxes, strict=True)]
        faces = [face for face in found if face is not None]
        places = np.array([face.box for face in faces]).reshape(-1, 4)
        if len(faces) < len(boxes) or (np.triu(overlaps(places, places), 1) > APART).any():
            return self.detector(image)
        return sorted(faces, key=lambda face: -face.box[2] * face.box[3])


def _whole_cost(image: Pixels) -> float:
    """What a look at the whole frame costs, in pixels."""
    height, width = image.shape[:2]
    looks = LOOKS if max(height, width) > LOOKS[1] else LOOKS[:1]
    return float(sum(height * width * min(1.0, side / max(height, width)) ** 2 + OVERHEAD for side in looks))


@dataclass(frozen=True)
class _Window:
    """A part of a frame, in whole pixels, and what it is reduced to."""

    left: int
    top: int
    right: int
    bottom: int
    size: tuple[int, int]

    @classmethod
    def around(cls, box: NDArray[np.float64], image: Pixels, side: int) -> _Window:
        centre, reach = box[:2] + box[2:] / 2, max(LEAST, WIDE * box[2:].max()) / 2
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
        """The face that was at ``box``, in pixels of the frame."""
        part = image[self.top : self.bottom, self.left : self.right]
        if self.size != part.shape[1::-1]:
            part = np.asarray(Image.fromarray(part).resize(self.size, Image.Resampling.BOX))
        grow = np.array([self.right - self.left, self.bottom - self.top]) / self.size
        faces = [self._placed(face, grow) for face in detector(part)]
        likeness = overlaps(box[None], np.array([face.box for face in faces]).reshape(-1, 4))[0]
        if not (likeness >= OVERLAP).any():
            return None
        return faces[int(likeness.argmax())]

    def _placed(self, face: Face, grow: NDArray[np.float64]) -> Face:
        x, y = (np.array(face.box[:2]) * grow + (self.left, self.top)).tolist()
        width, height = (np.array(face.box[2:]) * grow).tolist()
        landmarks = np.float32(face.landmarks * grow + (self.left, self.top))
        return replace(face, box=(x, y, width, height), landmarks=landmarks)
