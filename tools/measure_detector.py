"""The figures about face detection that the docstrings of ``mien.faces.detect`` and ``sources.ferplus`` give, and how
far crops of the same face lie apart (docs/results/alignment.json).

    python tools/measure_detector.py FERPLUS/FER2013Valid PORTRAITS

FERPLUS/FER2013Valid holds 48 x 48 photos, PORTRAITS pictures of one face each.
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

SHIFTS = [(x, y) for x in range(0, 32, 8) for y in range(0, 32, 8)]
"""By whole cells of the finest map and less than one of the coarsest."""


def pictures(folder: str, count: int) -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(Path(folder).iterdir())[:count]]


def enlarged(photos: list[np.ndarray]) -> list[np.ndarray]:
    """Four times as large, smooth."""
    sides = [(4 * photo.shape[1], 4 * photo.shape[0]) for photo in photos]
    return [
        np.asarray(Image.fromarray(photo).resize(side, Image.Resampling.BICUBIC))
        for photo, side in zip(photos, sides, strict=True)
    ]


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


def worsened(photo: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The photo as another camera would have it, and the 2 x 3 matrix from its places to the new ones.

    Turned by up to 15 degrees, at 0.5 to 1.5 of its size, moved by up to 16 pixels; then blurred by up to 1.5 pixels,
    lighter or darker by up to 40 %, and a JPEG of quality 30 to 95. The border is repeated round it.
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


def alignment(photos: list[np.ndarray], looks: int = 8, seed: int = 0) -> dict[str, float]:
    """How differently the same face is cropped in worsened copies of a photo: standard deviations over the copies.

    Of a crop's turn in degrees, its scale as a share, and its place as a share of the crop's side, each round the mean
    of the copies; and the 95th percentiles of their sizes. A photo counts where at least half of the copies have a
    face.
    """
    rng, detector = np.random.default_rng(seed), YuNet()
    turns, scales, places = [], [], []
    tried = lost = 0
    for photo in photos:
        crops = []
        for _ in range(looks):
            copy, there = worsened(photo, rng)
            faces = detector(copy)
            tried, lost = tried + 1, lost + (not faces)
            if faces:
                back = np.linalg.inv(np.vstack([there, [0, 0, 1]]))[:2]
                seen = faces[0].landmarks @ back[:, :2].T + back[:, 2]
                crops.append(np.vstack([similarity(seen, TEMPLATE), [0, 0, 1]]))
        if len(crops) < looks / 2:
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
    print(f"48 x 48 photos, found at their own size: {found(photos, own_size=True):.1%}")
    print(f"48 x 48 photos, found with a look at {YuNet.CLOSE_UP} pixels: {found(photos, own_size=False):.1%}")
    detectors = FINDER.make_detectors()
    share = np.mean([FINDER.find_largest(photo, detectors) is not None for photo in photos])
    print(f"48 x 48 photos, found when data are prepared: {share:.1%}")
    crops = {"portraits": alignment(people), "48 x 48 photos, enlarged": alignment(enlarged(photos[:120]))}
    RESULT.write_text(json.dumps(crops, indent=1) + "\n")
    print(json.dumps(crops, indent=1))
    print(f"landmarks, best look alone: {jitter(people, same=1.0):.1%} of the eye distance")
    print(f"landmarks, mean of all looks: {jitter(people, same=detect.SAME):.1%} of the eye distance")


if __name__ == "__main__":
    main(*sys.argv[1:])
