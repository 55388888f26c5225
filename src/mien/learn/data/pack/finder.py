"""Find faces in one picture with YuNet; :mod:`mien.learn.data.pack.locate` decides which of them belongs to a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mien.faces.detect import Face, Pixels, YuNet

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Finder:
    """How faces are detected in the pictures of a data set, which may be whole photos or crops that end at the face.

    Args:
        margin: share of the picture's longer side by which its border is repeated before detection; tight crops lack
            the surroundings that a detector needs.
        enlarge: factor by which the picture is then enlarged.
        scores: confidence thresholds to try, in this order.

    Example:
        >>> finder = Finder(margin=1 / 4, enlarge=4, scores=(0.6, 0.3))
        >>> face = finder.find_largest(picture, finder.make_detectors())  # doctest: +SKIP
    """

    margin: float = 0.0
    enlarge: int = 1
    scores: tuple[float, ...] = (0.7,)

    def make_detectors(self) -> list[YuNet]:
        """One detector per confidence threshold; they skip faces under 10 pixels, which are too small to train on."""
        return [YuNet(score=score, min_size=10 * self.enlarge, threads=1) for score in self.scores]

    def find_largest(self, image: Pixels, detectors: Sequence[YuNet]) -> Face | None:
        """The largest face, in pixels of ``image``, or None."""
        return next((face for faces in self.detect_all(image, detectors) for face in faces), None)

    def find_in_box(self, image: Pixels, detectors: Sequence[YuNet], box: Box) -> Face | None:
        """The face that matches a box (x, y, width, height), in pixels of ``image``, or None.

        It is the one with the largest overlap among the faces whose centre is in the box. If there is none, it is the
        largest such face of a second pass over the box with a margin of half its sides.
        """
        for faces in self.detect_all(image, detectors):
            if inside := [face for face in faces if holds(box, face.box)]:
                return max(inside, key=lambda face: overlap(face.box, box))
        x, y, width, height = box
        left, top = max(0, int(x - width / 2)), max(0, int(y - height / 2))
        closer = image[top : max(0, int(y + 1.5 * height)), left : max(0, int(x + 1.5 * width))]
        for faces in self.detect_all(closer, detectors) if closer.size else ():
            moved = [_moved(face, left, top) for face in faces]
            if inside := [face for face in moved if holds(box, face.box)]:
                return inside[0]
        return None

    def detect_all(self, image: Pixels, detectors: Sequence[YuNet]) -> Iterator[list[Face]]:
        """All faces that each detector finds, largest first, in pixels of ``image``."""
        pad = round(self.margin * max(image.shape[:2]))
        wide = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge") if pad else image
        if self.enlarge > 1:
            size = (wide.shape[1] * self.enlarge, wide.shape[0] * self.enlarge)
            wide = np.asarray(Image.fromarray(wide).resize(size, Image.Resampling.BICUBIC))
        for detector in detectors:
            yield [self._shrunk(face, pad) for face in detector(wide)]

    def _shrunk(self, face: Face, pad: int) -> Face:
        """A face of the enlarged picture in pixels of the original."""
        x, y, width, height = (value / self.enlarge for value in face.box)
        landmarks = (face.landmarks / self.enlarge - pad).astype(np.float32)
        return Face((x - pad, y - pad, width, height), face.score, landmarks)


WHOLE = Finder()
"""For photos."""

TIGHT = Finder(margin=1 / 6, enlarge=6, scores=(0.5, 0.3))
"""For small pictures that end at the face, such as those of FER2013."""


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    sides = [
        min(first[axis] + first[axis + 2], second[axis] + second[axis + 2]) - max(first[axis], second[axis])
        for axis in (0, 1)
    ]
    common = max(0.0, sides[0]) * max(0.0, sides[1])
    union = first[2] * first[3] + second[2] * second[3] - common
    return common / union if union > 0 else 0.0


def holds(box: Box, face: Box) -> bool:
    """Whether the centre of a face's box is inside another box."""
    return all(box[axis] <= face[axis] + face[axis + 2] / 2 <= box[axis] + box[axis + 2] for axis in (0, 1))


def _moved(face: Face, x: int, y: int) -> Face:
    box = (face.box[0] + x, face.box[1] + y, *face.box[2:])
    return Face(box, face.score, face.landmarks + np.array([x, y], np.float32))
