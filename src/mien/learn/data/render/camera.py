"""Head pose, and a pinhole camera with the same projection as the renderer's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.learn.data.render.face_model import Floats


@dataclass(frozen=True)
class Pose:
    """The rotation of the head in degrees; with all three at 0 the face looks into the camera.

    Args:
        yaw: positive towards the person's left (the right of the picture).
        pitch: positive upwards.
        roll: positive towards the person's left shoulder (the right of the picture).
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def __call__(self, points: Floats) -> Floats:
        """Rotate points (n x 3) about the origin, between the ears: roll first, then pitch, then yaw."""
        matrix = _rotation(1, self.yaw) @ _rotation(0, -self.pitch) @ _rotation(2, -self.roll)
        return np.asarray(points @ matrix.T)


@dataclass(frozen=True)
class Camera:
    """A square pinhole camera that looks along -z, with y up.

    Args:
        position: x, y, z of its centre in cm.
        fov: field of view, horizontal and vertical, in degrees.
        size: side of the picture in pixels.
    """

    position: tuple[float, float, float]
    fov: float
    size: int

    @classmethod
    def facing(cls, target: Floats, *, width: float, fov: float, size: int) -> Camera:
        """A camera centred on a point, at the distance where ``width`` cm around that point fill the picture."""
        x, y, z = (float(value) for value in target)
        return cls((x, y, z + width / 2 / float(np.tan(np.radians(fov / 2)))), fov, size)

    def project(self, points: Floats) -> Floats:
        """Project points (n x 3) to pixels (n x 2); the centre of the first pixel is (0.5, 0.5)."""
        away = np.asarray(self.position) - points  # its z is the depth
        scale = self.size / 2 / np.tan(np.radians(self.fov / 2))
        x = self.size / 2 - scale * away[:, 0] / away[:, 2]
        y = self.size / 2 + scale * away[:, 1] / away[:, 2]
        return np.stack([x, y], axis=1)


def _rotation(axis: int, degrees: float) -> Floats:
    """The matrix of a right-handed rotation about an axis."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix
