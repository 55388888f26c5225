"""The 68 landmarks of the iBUG mark-up, which many releases include, and the five by which faces are aligned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.learn.data.sources.shared.text_files import number

RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
"""The outlines of the person's eyes; the right one is on the left of the picture."""

NOSE, MOUTH_RIGHT, MOUTH_LEFT = 30, 48, 54
"""The tip of the nose and the corners of the mouth."""


def five_of_68(points: NDArray[Any]) -> list[float]:
    """Return ten numbers: x and y of the person's right eye, left eye, nose, right and left corner of the mouth.

    An eye is the mean of the six points of its outline; the iris is not marked.

    Args:
        points: 68 x 2, in pixels, in the order of the iBUG mark-up (that of 300-W and Multi-PIE).

    Raises:
        ValueError: if there are not 68 points, or one is not finite.
    """
    points = np.asarray(points, np.float64)
    if points.shape != (68, 2):
        raise ValueError(f"{' x '.join(map(str, points.shape))} landmarks, expected 68 x 2")
    if not np.isfinite(points).all():
        raise ValueError("a landmark is not a number")
    eyes = points[RIGHT_EYE].mean(0), points[LEFT_EYE].mean(0)
    five = np.stack([*eyes, points[NOSE], points[MOUTH_RIGHT], points[MOUTH_LEFT]])
    return [float(value) for value in five.ravel()]


def read_pts(path: Path) -> NDArray[np.float64]:
    """Return the points of a ``.pts`` file, N x 2: ``n_points: N``, then N lines of x and y between braces.

    Raises:
        ValueError: naming the file, if it is not in this format.
        OSError: if it cannot be opened.
    """
    head, _, body = path.read_text("utf-8-sig", errors="replace").partition("{")
    values = [number(word) for word in body.partition("}")[0].split()]
    if not values or len(values) % 2 or None in values:
        raise ValueError(f"{path}: no points between braces")
    points = np.array(values, np.float64).reshape(-1, 2)
    count = next((line.split(":")[1].strip() for line in head.splitlines() if line.startswith("n_points:")), None)
    if count != str(len(points)):
        raise ValueError(f"{path}: n_points is {count}, but there are {len(points)}")
    return points


def box(points: ArrayLike) -> dict[str, float]:
    """Return the columns ``x``, ``y``, ``width`` and ``height`` of the upright box around N x 2 points."""
    points = np.asarray(points, np.float64)
    (x, y), (right, bottom) = points.min(0), points.max(0)
    return {"x": float(x), "y": float(y), "width": float(right - x), "height": float(bottom - y)}
