"""Measure the face detector and the alignment.

Prints the detection rates and the landmark errors that the docstrings of ``mien.faces.detect`` and ``sources.ferplus``
quote, and writes to docs/results/alignment.json how much crops of the same face differ. FERPLUS/FER2013Valid holds
48 x 48 photos, PORTRAITS pictures of one face each.

    python tools/measure_detector.py FERPLUS/FER2013Valid PORTRAITS
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from mien.faces import detect
from mien.faces.align import CROP, TEMPLATE, similarity
from mien.faces.detect import YuNet
from mien.learn.data.sources.ferplus import FINDER

RESULT = Path(__file__).parents[1] / "docs/results/alignment.json"

COPIES = 8
"""Degraded copies per photo."""

SHIFTS = [(x, y) for x in range(0, 32, 8) for y in range(0, 32, 8)]
"""Shifts by whole cells of the detector's finest feature map, less than one cell of its coarsest."""


def pictures(folder: str, count: int) -> list[np.ndarray]:
    """The first pictures of a folder."""
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(Path(folder).iterdir())[:count]]


def enlarged(photos: list[np.ndarray]) -> list[np.ndarray]:
    """The photos at four times their size, by bicubic interpolation."""
    sides = [(4 * photo.shape[1], 4 * photo.shape[0]) for photo in photos]
    return [
        np.asarray(Image.fromarray(photo).resize(side, Image.Resampling.BICUBIC))
        for photo, side in zip(photos, sides, strict=True)
    ]


def share_found(photos: list[np.ndarray], own_size: bool) -> float:
    """The share of photos in which exactly one face is found, at their own size or as the detector enlarges them."""
    detector = YuNet()
    if own_size:
        detector.CLOSE_UP = 48  # type: ignore[misc]
    return float(np.mean([len(detector(photo)) == 1 for photo in photos]))


def jitter(portraits: list[np.ndarray], same: float) -> float:
    """The standard deviation of the landmarks over shifts of the picture, as a share of the eye distance."""
    detect.SAME, usual = same, detect.SAME
    detector, spread = YuNet(), []
    for portrait in portraits:
        large = np.asarray(Image.fromarray(portrait).resize((400, 500)))
        found = []
        for x, y in SHIFTS:
            shifted = np.pad(large, ((y + 64, 64), (x + 64, 64), (0, 0)), mode="edge")
            if faces := detector(shifted):
                found.append(faces[0].landmarks - [x, y])
        eyes = np.linalg.norm(found[0][0] - found[0][1])
        spread.append(np.std(found, axis=0).mean() / eyes)
    detect.SAME = usual
    return float(np.mean(spread))


def degraded(photo: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The photo as another camera would have taken it, and the 2 x 3 matrix from old to new pixel coordinates.

    It is rotated by up to 15 degrees, scaled by 0.5 to 1.5, shifted by up to 16 pixels; then blurred by up to 1.5
    pixels, made up to 40 % lighter or darker, and stored as a JPEG of quality 30 to 95. Its border is repeated.
    """
    size, angle = rng.uniform(0.5, 1.5), np.deg2rad(rng.uniform(-15, 15))
    framed = np.pad(photo, ((64, 64), (64, 64), (0, 0)), mode="edge")
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    side = np.ceil(np.array(framed.shape[1::-1]) * size).astype(int)
    centre = np.array(framed.shape[1::-1]) / 2
    shift = side / 2 - turn @ centre + rng.uniform(-16, 16, 2)
    there = np.column_stack([turn, shift])
    back = np.linalg.inv(np.vstack([there, [0, 0, 1]]))[:2]
    reduced = Image.fromarray(framed).transform(
        (int(side[0]), int(side[1])), Image.Transform.AFFINE, tuple(back.ravel()), Image.Resampling.BICUBIC
    )
    blurred = reduced.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5)))
    lit = Image.fromarray(np.clip(np.asarray(blurred) * rng.uniform(0.6, 1.4), 0, 255).astype(np.uint8))
    stored = io.BytesIO()
    lit.save(stored, "JPEG", quality=int(rng.integers(30, 96)))
    return np.asarray(Image.open(stored).convert("RGB")), np.column_stack([turn, shift + turn @ [64, 64]])


def alignment(photos: list[np.ndarray]) -> dict[str, float]:
    """How much the crop of a face varies between degraded copies of its photo.

    Standard deviations and 95th percentiles, around the mean of the copies, of the rotation of the crop in degrees, of
    its scale as a share, and of its position as a share of its side. A photo counts if a face is found in at least half
    of its copies.
    """
    rng, detector = np.random.default_rng(0), YuNet()
    turns, scales, places = [], [], []
    tried = lost = 0
    for photo in photos:
        crops = []
        for _ in range(COPIES):
            copy, there = degraded(photo, rng)
            faces = detector(copy)
            tried, lost = tried + 1, lost + (not faces)
            if faces:
                back = np.linalg.inv(np.vstack([there, [0, 0, 1]]))[:2]
                seen = faces[0].landmarks @ back[:, :2].T + back[:, 2]
                crops.append(np.vstack([similarity(seen, TEMPLATE), [0, 0, 1]]))
        if len(crops) < COPIES / 2:
            continue
        usual = np.mean(crops, axis=0)
        for crop in crops:
            change = crop @ np.linalg.inv(usual)
            turns.append(np.rad2deg(np.arctan2(change[1, 0], change[0, 0])))
            scales.append(np.log(np.hypot(*change[:2, 0])))
            places.append((change[:2] @ [CROP / 2, CROP / 2, 1] - CROP / 2) / CROP)
    spread = {"turn in degrees": np.array(turns), "scale": np.array(scales), "place": np.array(places).ravel()}
    return {
        "photos": len(photos),
        "copies without a face": round(lost / tried, 4),
        **{f"{name}, deviation": round(float(each.std()), 4) for name, each in spread.items()},
        **{f"{name}, 95th percentile": round(float(np.quantile(abs(each), 0.95)), 4) for name, each in spread.items()},
    }


def main(small: str, portraits: str) -> None:
    photos, people = pictures(small, 400), pictures(portraits, 24)
    print(f"48 x 48 photos, found at their own size: {share_found(photos, own_size=True):.1%}")
    print(f"48 x 48 photos, found when enlarged to {YuNet.CLOSE_UP} pixels: {share_found(photos, own_size=False):.1%}")
    finders = FINDER.make_detectors()
    prepared = np.mean([FINDER.find_largest(photo, finders) is not None for photo in photos])
    print(f"48 x 48 photos, found when data are prepared: {prepared:.1%}")
    crops = {"portraits": alignment(people), "48 x 48 photos, enlarged": alignment(enlarged(photos[:120]))}
    RESULT.write_text(json.dumps(crops, indent=1) + "\n")
    print(json.dumps(crops, indent=1))
    print(f"landmarks, best detection only: {jitter(people, same=1.0):.1%} of the eye distance")
    print(f"landmarks, mean of overlapping detections: {jitter(people, same=detect.SAME):.1%} of the eye distance")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
