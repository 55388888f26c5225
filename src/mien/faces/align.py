"""Similarity alignment: maps five landmarks to fixed positions in a square crop."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from mien.faces.detect import Pixels

CROP = 112
"""Side of the crop in pixels (papers/003, section 4.3)."""

TEMPLATE: NDArray[np.float64] = np.array(
    [[38.2946, 43.6963], [73.5318, 43.5014], [56.0252, 63.7366], [41.5493, 84.3655], [70.7299, 84.2041]]
)
"""Positions of the landmarks in the crop, in pixels, in the order of ``mien.faces.detect.LANDMARKS``.

The usual 112 x 112 template of face recognition, moved up by 8 pixels: recognition does not need the chin, but the
action units of the jaw (AU17, AU26) do."""


def similarity(source: ArrayLike, target: ArrayLike) -> NDArray[np.float64]:
    """The 2 x 3 matrix of rotation, uniform scale and translation that maps ``source`` closest to ``target``.

    Least squares over n >= 2 points (n x 2 each), in complex numbers: ``w = a z + b``, which cannot be a reflection.

    Raises:
        ValueError: if all source points coincide.
    """
    z, w = (np.asarray(points, np.float64) @ np.array([1, 1j]) for points in (source, target))
    spread = z - z.mean()
    energy = float(np.vdot(spread, spread).real)
    if energy == 0:
        raise ValueError("all landmarks coincide, so the scale is undefined")
    a = np.vdot(spread, w - w.mean()) / energy
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def align(image: Pixels, landmarks: ArrayLike, *, template: ArrayLike = TEMPLATE, size: int = CROP) -> Pixels:
    """Cut out the aligned crop: ``size`` x ``size`` x 3, uint8.

    A face larger than the crop is area-averaged first to avoid aliasing. Where the crop extends beyond the picture, the
    picture's border is repeated. Only the part under the crop is copied.

    Args:
        image: H x W x 3 uint8.
        landmarks: 5 x 2 in pixels of ``image``, in the order of ``mien.faces.detect.LANDMARKS``.
        template: 5 x 2, the positions of the landmarks in the crop.
        size: side of the crop in pixels.
    """
    forward = np.vstack([similarity(landmarks, template), [0, 0, 1]])
    inverse = np.linalg.inv(forward)
    corners = inverse[:2] @ np.array([[0, size, 0, size], [0, 0, size, size], [1, 1, 1, 1]])
    low, high = np.floor(corners.min(1)).astype(int) - 2, np.ceil(corners.max(1)).astype(int) + 2
    patch = Image.fromarray(_window(image, low, high))
    inverse[:2, 2] -= low
    shrink = max(1, int(np.hypot(*inverse[:2, 0])))
    if shrink > 1:
        patch = patch.reduce(shrink)
        inverse[:2] /= shrink
    crop = patch.transform(
        (size, size), Image.Transform.AFFINE, tuple(inverse[:2].ravel()), resample=Image.Resampling.BILINEAR
    )
    return np.asarray(crop)


def _window(image: Pixels, low: NDArray[np.int_], high: NDArray[np.int_]) -> Pixels:
    """``image[low:high]``, with the border repeated where the window extends beyond it."""
    height, width = image.shape[:2]
    if (low >= 0).all() and high[0] <= width and high[1] <= height:
        return image[low[1] : high[1], low[0] : high[0]]
    rows = np.clip(np.arange(low[1], high[1]), 0, height - 1)
    columns = np.clip(np.arange(low[0], high[0]), 0, width - 1)
    window: Pixels = image[rows[:, None], columns[None]]
    return window
