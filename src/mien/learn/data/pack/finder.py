"""Preparation: find, align and pack the face of every labelled picture, once, before training.

The result is a folder with ``manifest.parquet`` (one row a face) and ``crops.npy`` (N x 112 x 112 x C uint8,
memory-mapped by the trainer); the manifest's column ``crop`` is the row in the pack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mien.faces.align import CROP, align
from mien.faces.detect import Face, Pixels, YuNet
from mien.learn.data.pack.write import WORKERS, Row, begin, each, finish
from mien.tasks import Task

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Finder:
    """Finds the one labelled face of a picture that is itself (nearly) a face crop, or of a whole photo.

    Args:
        margin: the border is repeated by this share of the picture's side before detection; a
            detector wants some surroundings, which tight crops lack.
        enlarge: the picture is then enlarged this many times.
        scores: confidences to try, in this order.
    """

    margin: float = 0.0
    enlarge: int = 1
    scores: tuple[float, ...] = (0.7,)

    def detectors(self) -> list[YuNet]:
        """One detector for each confidence; a face smaller than 10 pixels is of no use for training."""
        return [YuNet(score=score, min_size=10 * self.enlarge, threads=1) for score in self.scores]

    def __call__(self, image: Pixels, detectors: Sequence[YuNet]) -> Face | None:
        """The largest face, in pixels of ``image``, or None."""
        return next((face for faces in self.looks(image, detectors) for face in faces), None)

    def near(self, image: Pixels, detectors: Sequence[YuNet], box: Box) -> Face | None:
        """The face that a box (x, y, width, height) means, in pixels of ``image``, or None.

        Of the faces whose centre is in the box it is the one that overlaps the box best; if there is none, the largest
        one in a closer look at the box and half of its sides around it.
        """
        for faces in self.looks(image, detectors):
            if inside := [face for face in faces if holds(box, face.box)]:
                return max(inside, key=lambda face: overlap(face.box, box))
        x, y, width, height = box
        left, top = max(0, int(x - width / 2)), max(0, int(y - height / 2))
        closer = image[top : max(0, int(y + 1.5 * height)), left : max(0, int(x + 1.5 * width))]
        for faces in self.looks(closer, detectors) if closer.size else ():
            moved = [_moved(face, left, top) for face in faces]
            if inside := [face for face in moved if holds(box, face.box)]:
                return inside[0]
        return None

    def looks(self, image: Pixels, detectors: Sequence[YuNet]) -> Iterator[list[Face]]:
        """For each detector all faces, largest first, in pixels of ``image``."""
        pad = round(self.margin * max(image.shape[:2]))
        wide = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge") if pad else image
        if self.enlarge > 1:
            size = (wide.shape[1] * self.enlarge, wide.shape[0] * self.enlarge)
            wide = np.asarray(Image.fromarray(wide).resize(size, Image.Resampling.BICUBIC))
        for detector in detectors:
            yield [self._shrunk(face, pad) for face in detector(wide)]

    def _shrunk(self, face: Face, pad: int) -> Face:
        x, y, width, height = (value / self.enlarge for value in face.box)
        landmarks = (face.landmarks / self.enlarge - pad).astype(np.float32)
        return Face((x - pad, y - pad, width, height), face.score, landmarks)


WHOLE = Finder()
"""For photos."""

TIGHT = Finder(margin=1 / 6, enlarge=6, scores=(0.5, 0.3))
"""For small pictures that end at the face, as those of FER2013 do."""


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
    """Whether the centre of a face is in a box."""
    return all(box[axis] <= face[axis] + face[axis + 2] / 2 <= box[axis] + box[axis + 2] for axis in (0, 1))


def _moved(face: Face, x: int, y: int) -> Face:
    box = (face.box[0] + x, face.box[1] + y, *face.box[2:])
    return Face(box, face.score, face.landmarks + np.array([x, y], np.float32))


def prepare(
    rows: Sequence[Row],
    read: Callable[[Row], Pixels],
    out: Path,
    *,
    tasks: Sequence[Task],
    metadata: dict[str, Any],
    finder: Finder,
    grey: bool = False,
    keep_unfound: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Write ``out/manifest.parquet`` and ``out/crops.npy``; return one line for each picture that was left out.

    Args:
        rows: label columns of each picture (see :mod:`mien.learn.data.manifest.manifest`); ``path`` names it in messages.
        read: gives the H x W x 3 uint8 picture of a row, or raises MediaError or OSError.
        out: folder, made if need be.
        tasks: the label space of the rows.
        metadata: goes into the manifest's metadata: source, licence, what is weak.
        finder: how to find the face.
        grey: keep one channel only.
        keep_unfound: for sets of face crops: align a picture without a detected face by the median
            landmarks of the others instead of leaving it out (its ``found`` is then False).
        advance: called with 1 after each picture, for a progress bar.

    Raises:
        ManifestError: if there are no rows, or a label is out of its range or vocabulary.
    """
    channels = 1 if grey else 3
    pack = begin(out, rows, tasks, metadata, (CROP, CROP, channels))
    found: list[Face | None] = [None] * len(rows)
    pool = [finder.detectors() for _ in range(WORKERS)]

    def use(index: int, image: Pixels) -> None:
        detectors = pool.pop()
        try:
            found[index] = finder(image, detectors)
        finally:
            pool.append(detectors)
        if (face := found[index]) is not None:
            pack[index] = align(image, face.landmarks)[..., :channels]

    failures = each(rows, read, use, advance)
    unfound = [index for index, face in enumerate(found) if face is None and index not in failures]
    seen = [face.landmarks for face in found if face is not None]
    if keep_unfound and seen:
        middle = np.median(seen, axis=0)
        for index in unfound:
            pack[index] = align(read(rows[index]), middle)[..., :channels]
    else:
        failures |= {index: f"{rows[index]['path']}: no face found" for index in unfound}
    kept = [
        {**row, "crop": index, "found": found[index] is not None, **_geometry(found[index])}
        for index, row in enumerate(rows)
        if index not in failures
    ]
    finish(out, pack, kept, tasks, metadata)
    return [failures[index] for index in sorted(failures)]


def _geometry(face: Face | None) -> Row:
    """Box and landmarks as columns; nulls where no face was found."""
    box: Sequence[float | None] = face.box if face else [None] * 4
    sides = dict(zip(("x", "y", "width", "height"), box, strict=True))
    return {**sides, "landmarks": face.landmarks.astype(float).ravel().tolist() if face else None}
