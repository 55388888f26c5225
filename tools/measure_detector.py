"""The figures about face detection that the docstrings of ``mien.faces.detect`` and ``sources.ferplus`` give.

    python tools/measure_detector.py FERPLUS/FER2013Valid PORTRAITS

FERPLUS/FER2013Valid holds 48 x 48 photos, PORTRAITS pictures of one face each.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from mien.faces import detect
from mien.faces.detect import YuNet
from mien.learn.data.sources.ferplus import FINDER

SHIFTS = [(x, y) for x in range(0, 32, 8) for y in range(0, 32, 8)]
"""By whole cells of the finest map and less than one of the coarsest."""


def pictures(folder: str, count: int) -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(Path(folder).iterdir())[:count]]


def found(photos: list[np.ndarray], own_size: bool) -> float:
    """Share of the photos in which exactly one face is found."""
    detector = YuNet()
    if own_size:
        detector.CLOSE_UP = 48  # type: ignore[misc]
    return float(np.mean([len(detector(photo)) == 1 for photo in photos]))


def jitter(portraits: list[np.ndarray], same: float) -> float:
    """Standard deviation of the landmarks over shifts of the picture, as a share of the eye distance."""
    detect.SAME, usual = same, detect.SAME
    detector, spread = YuNet(), []
    for portrait in portraits:
        large = np.asarray(Image.fromarray(portrait).resize((400, 500)))
        looks = []
        for x, y in SHIFTS:
            shifted = np.pad(large, ((y + 64, 64), (x + 64, 64), (0, 0)), mode="edge")
            if faces := detector(shifted):
                looks.append(faces[0].landmarks - [x, y])
        eyes = np.linalg.norm(looks[0][0] - looks[0][1])
        spread.append(np.std(looks, axis=0).mean() / eyes)
    detect.SAME = usual
    return float(np.mean(spread))


def main(small: str, portraits: str) -> None:
    photos, people = pictures(small, 400), pictures(portraits, 24)
    print(f"48 x 48 photos, found at their own size: {found(photos, own_size=True):.1%}")
    print(f"48 x 48 photos, found with a look at {YuNet.CLOSE_UP} pixels: {found(photos, own_size=False):.1%}")
    finders = FINDER.detectors()
    print(
        f"48 x 48 photos, found when data are prepared: {np.mean([FINDER(p, finders) is not None for p in photos]):.1%}"
    )
    print(f"landmarks, best look alone: {jitter(people, same=1.0):.1%} of the eye distance")
    print(f"landmarks, mean of all looks: {jitter(people, same=detect.SAME):.1%} of the eye distance")


if __name__ == "__main__":
    main(*sys.argv[1:])
