"""Maps of the neutral mesh: where the brows, lips, lids, cheeks and creases are, as weights of each vertex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.learn.data.render.face_model import LANDMARKS, PARTS, FaceModel, Floats

CREASES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "AU01": (((0.2, 7.7), (1.2, 7.9), (2.2, 8.1)), ((0.2, 8.6), (1.2, 8.8), (2.2, 9.0))),
    "AU02": (((3.0, 8.2), (4.0, 8.2), (5.0, 7.6)), ((3.0, 9.1), (4.0, 9.0), (4.8, 8.5))),
    "AU04": (((0.55, 4.9), (0.65, 5.6), (0.5, 6.4)),),
    "AU06": (((5.2, 3.3), (6.2, 3.1)), ((5.2, 3.7), (6.2, 3.9))),
    "AU09": (((0.0, 3.7), (1.0, 3.3)), ((0.0, 4.3), (0.9, 4.1))),
    "AU10": (((1.5, 0.1), (2.4, -1.2), (2.9, -2.2)),),
    "AU12": (((1.9, -0.5), (2.9, -1.8), (3.4, -3.0)),),
    "AU14": (((3.0, -3.0), (3.15, -3.5), (3.0, -4.0)),),
    "AU17": (((0.0, -5.2), (0.8, -5.3)),),
}
"""Folds that the smooth mesh lacks, as lines over x and y in cm on the left half of the neutral face, mirrored to the
right half. They are painted darker, in proportion to the intensity of the action unit."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """Weights in [0, 1] and distances in cm, V each, on the neutral mesh.

    Args:
        points: the neutral mesh, V x 3.
        skin: 1 on face, head and neck.
        brow: distance from the centre line of the nearer brow.
        along: 0 at the outer end of the brow, 1 at its inner end.
        upper_lid, lower_lid: distance from the rims of the lids.
        lips: 1 on the lips, soft at the rim.
        flush: weight of blushing: cheeks, nose, chin, ears.
        sockets: weight of the area around the eyes.
        beard: weight of the area around the mouth and on the chin.
        creases: weight of the folds, by action unit.
    """

    points: Floats
    skin: Floats
    brow: Floats
    along: Floats
    upper_lid: Floats
    lower_lid: Floats
    lips: Floats
    flush: Floats
    sockets: Floats
    beard: Floats
    creases: dict[str, Floats]

    @classmethod
    def of(cls, model: FaceModel) -> Canvas:
        """Compute the maps of a model's neutral mesh."""
        points = model.neutral
        marks = points[LANDMARKS]
        x, y, z = points.T
        face, skin = np.zeros(len(points)), np.zeros(len(points))
        face[PARTS["face"]] = 1
        skin[PARTS["face"]] = skin[PARTS["head"]] = 1
        lower = np.array([0, 0.3, 0])  # the landmarks are on the upper edge of the brow
        brows = [distance(points, marks[17:22] - lower), distance(points, marks[26:21:-1] - lower)]
        nearer = np.where(brows[0][0] < brows[1][0], 0, 1)
        brow, along = (np.choose(nearer, [brows[0][part], brows[1][part]]) for part in (0, 1))
        eyes = [marks[36:42].mean(0), marks[42:48].mean(0)]
        flush = sum(
            np.exp(-((points - centre) ** 2).sum(1) / (2 * width**2))
            for centre, width in (
                ((4.6, -0.3, 9), 1.8),
                ((-4.6, -0.3, 9), 1.8),
                ((0, 0.2, 12.6), 1.1),
                ((0, -6.3, 10.5), 1.5),
            )
        )
        around = np.min([np.linalg.norm((points - eye) * [1, 1.3, 0.7], axis=1) for eye in eyes], 0)
        chin = np.linalg.norm((points - [0, -5.3, 9]) * [0.75, 1, 0.6], axis=1)
        return cls(
            points=points,
            skin=skin,
            brow=np.where(face > 0, brow, np.inf),
            along=along,
            upper_lid=_nearest(points, [marks[36:40], marks[42:46]]),
            lower_lid=_nearest(points, [marks[[39, 40, 41, 36]], marks[[45, 46, 47, 42]]]),
            lips=_lips(points, marks[48:60, :2]) * face,
            flush=np.clip(flush + 0.6 * ramp(np.abs(x), 8, 9.5), 0, 1),
            sockets=ramp(around, 3, 1.2) * face,
            beard=ramp(chin, 5.2, 2.8) * ramp(y, -1.6, -3.4) * skin,
            creases={unit: _fold(points, lines) * face * ramp(z, 6, 7) for unit, lines in CREASES.items()},
        )


def ramp(values: Floats, low: float, high: float) -> Floats:
    """A smooth step: 0 at ``low``, 1 at ``high``; with ``low`` above ``high`` it falls."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def distance(points: Floats, line: Floats) -> tuple[Floats, Floats]:
    """Measure n points against a polyline.

    Args:
        points: n x 3 (or n x 2).
        line: corners of the polyline, m x 3 (or m x 2).

    Returns:
        The distance of each point from the line, and where along the line its nearest point is, from 0 to 1.
    """
    starts, pieces = line[:-1], np.diff(line, axis=0)
    share = np.einsum("nmk,mk->nm", points[:, None] - starts, pieces) / (pieces**2).sum(1)
    share = np.clip(share, 0, 1)
    away = np.linalg.norm(points[:, None] - starts - share[..., None] * pieces, axis=2)
    piece = away.argmin(1)
    rows = np.arange(len(points))
    return away[rows, piece], (piece + share[rows, piece]) / len(pieces)


def _nearest(points: Floats, lines: Sequence[Floats]) -> Floats:
    return np.asarray(np.min([distance(points, line)[0] for line in lines], 0))


def _fold(points: Floats, lines: Sequence[Sequence[tuple[float, float]]]) -> Floats:
    """A weight of 1 on the lines and their mirror images, seen from the front."""
    half = np.abs(points[:, :1])
    flat = np.concatenate([half, points[:, 1:2]], 1)
    return np.exp(-((_nearest(flat, [np.array(line) for line in lines]) / 0.17) ** 2))


def _lips(points: Floats, rim: Floats) -> Floats:
    """A weight of 1 inside the rim of the outer lips, seen from the front, soft over 2 mm."""
    start, end = rim, np.roll(rim, -1, 0)
    x, y = points[:, :1], points[:, 1:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = start[:, 0] + (y - start[:, 1]) * (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    inside = (((start[:, 1] > y) != (end[:, 1] > y)) & (x < crossing)).sum(1) % 2 == 1
    away = distance(points[:, :2], np.concatenate([rim, rim[:1]]))[0]
    return ramp(np.where(inside, away, -away), -0.08, 0.1) * (points[:, 2] > 9.2)
