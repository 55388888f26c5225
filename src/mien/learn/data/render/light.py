"""Light as a small environment map, the background, and the conversion to 8 bits. All colours are linear RGB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.learn.data.render.face_model import Floats

ROWS, COLUMNS = 16, 32
"""Size of the environment map: latitudes from top to bottom, and longitudes."""

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """A soft light from one direction.

    Args:
        azimuth: direction in degrees; 0 is the side of the camera, +90 the right of the picture.
        elevation: height in degrees; up is positive.
        softness: from about 0.03 (a lamp) to 0.5 (a window).
        strength: irradiance relative to that of a white environment, before :attr:`Light.exposure`.
        colour: tint.
    """

    azimuth: float
    elevation: float
    softness: float
    strength: float
    colour: Colour = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Light:
    """Light from above and below, and lamps.

    Args:
        above: radiance of the sky.
        below: radiance of the ground.
        lamps: further lights.
        exposure: mean brightness of three white surfaces that face the camera, left of it and right of it.
    """

    above: Colour = (0.5, 0.5, 0.5)
    below: Colour = (0.3, 0.3, 0.3)
    lamps: tuple[Lamp, ...] = ()
    exposure: float = 1.0

    def environment(self) -> Floats:
        """The environment map: radiance from each direction, 16 x 32 x 3; see :func:`directions`."""
        to, solid = directions()
        height = (to[..., 1:2] + 1) / 2
        radiance = height * np.array(self.above) + (1 - height) * np.array(self.below)
        for lamp in self.lamps:
            azimuth, elevation = np.radians([lamp.azimuth, lamp.elevation])
            axis = [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
            glow = np.exp((to @ axis - 1) / lamp.softness)
            radiance = radiance + (glow * lamp.strength * np.pi / (glow * solid).sum())[..., None] * lamp.colour
        normals = np.array([[0, 0, 1], [0.7, 0, 0.7], [-0.7, 0, 0.7]])
        facing = np.clip(np.einsum("hwk,nk->nhw", to, normals), 0, None).mean(0)
        white = (radiance.mean(-1) * facing * solid).sum() / np.pi
        return np.asarray(radiance * self.exposure / white)


def directions() -> tuple[Floats, Floats]:
    """The direction of the centre of each cell of the environment map (16 x 32 x 3), and its solid angle (16 x 32).

    Rows run from above to below; columns from behind through the right of the picture to the front.
    """
    theta = (np.arange(ROWS) + 0.5)[:, None] / ROWS * np.pi
    phi = (np.arange(COLUMNS) + 0.5)[None] / COLUMNS * 2 * np.pi
    to = np.stack(
        [np.sin(phi) * np.sin(theta), np.broadcast_to(np.cos(theta), (ROWS, COLUMNS)), -np.cos(phi) * np.sin(theta)], -1
    )
    solid = np.broadcast_to(np.sin(theta), (ROWS, COLUMNS)) * (np.pi / ROWS) * (2 * np.pi / COLUMNS)
    return to, solid


def background(generator: np.random.Generator, size: int) -> Floats:
    """Draw a blurred background: a gradient between two colours and soft blotches, size x size x 3 in [0, 1]."""
    first, second = generator.uniform(0.02, 0.7) * generator.uniform(0.5, 1.0, (2, 3))
    angle = generator.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:size, :size] / (size - 1) - 0.5
    ramp = np.clip(0.5 + x * np.cos(angle) + y * np.sin(angle), 0, 1)[..., None]
    cells = int(generator.integers(3, 9))
    coarse = generator.normal(0, generator.uniform(0, 0.35), (cells, cells, 3))
    coarse = 0.7 * coarse.mean(-1, keepdims=True) + 0.3 * coarse
    blotches = np.stack([_enlarge(coarse[..., band], size) for band in range(3)], -1)
    return np.asarray(np.clip((first + (second - first) * ramp) * np.exp(blotches), 0, 1))


def tone_map(linear: Floats, noise: float, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Convert linear RGB to an 8-bit sRGB picture: a soft shoulder above 0.7, the sRGB curve, and sensor noise.

    No pixel becomes 0, so that zeros mark the crops that have not been written yet.
    """
    shoulder = np.where(linear > 0.7, 1 - 0.3 * np.exp(-np.clip(linear - 0.7, 0, None) / 0.3), linear)
    curved = to_srgb(np.clip(shoulder, 0, 1)) + generator.normal(0, noise, linear.shape)
    return np.clip(np.round(curved * 255), 1, 255).astype(np.uint8)


def to_srgb(linear: Floats) -> Floats:
    """Apply the sRGB curve to values in [0, 1]."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def to_linear(*srgb: float) -> Floats:
    """Convert an sRGB colour, 0 to 255, to linear values in [0, 1]."""
    value = np.asarray(srgb) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _enlarge(values: Floats, size: int) -> Floats:
    picture = Image.fromarray(values.astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(picture, np.float64)
