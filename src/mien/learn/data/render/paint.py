"""The colours of a person: skin, brows, lips, eyes and teeth, painted on the vertices so that they move along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mien.learn.data.render.action_units import MAX_INTENSITY
from mien.learn.data.render.canvas import Canvas, ramp
from mien.learn.data.render.face_model import PARTS, Floats
from mien.learn.data.render.light import Colour, to_linear

SKIN: Floats = np.stack(
    [
        to_linear(*colour)
        for colour in (
            (240, 205, 185), (226, 182, 154), (203, 151, 117), (170, 115, 81),
            (128, 82, 57), (92, 58, 42), (68, 43, 33),
        )
    ]
)  # fmt: skip
"""Skin colours from light to dark; tones in between are interpolated."""

CREASE = 0.3
"""The share of light that the deepest crease absorbs."""


@dataclass(frozen=True)
class Look:
    """The appearance of a person apart from the shape of the face.

    Args:
        tone: skin tone, from 0 (light) to 1 (dark).
        warmth: skin hue, about -1 (rosy) to 1 (yellowish).
        flush: redness of cheeks, nose, chin and ears, 0 to 1.
        mottle: unevenness of the skin, 0 to 1.
        shine: gloss of the skin, 0 (matt) to 1.
        hair: colour of hair and brows.
        scalp: density of the cropped hair, 0 (none) to 1.
        hairline: height of the hairline in cm.
        brow: density of the brows, 0.6 to 1.
        brow_width: width of the brows relative to the default.
        stubble: density of the stubble, 0 (none) to 1.
        lips: redness of the lips, 0 to 1.
        iris: colour of the irises.
        iris_radius: in degrees on the eyeball.
        pupil_radius: in degrees on the eyeball.
        pattern: seed of the unevenness of skin and hair.
    """

    tone: float = 0.2
    warmth: float = 0.0
    flush: float = 0.5
    mottle: float = 0.5
    shine: float = 0.4
    hair: Colour = (0.02, 0.012, 0.008)
    scalp: float = 1.0
    hairline: float = 9.5
    brow: float = 0.85
    brow_width: float = 1.0
    stubble: float = 0.0
    lips: float = 0.5
    iris: Colour = (0.08, 0.04, 0.015)
    iris_radius: float = 23.0
    pupil_radius: float = 9.0
    pattern: int = 0


def paint(
    canvas: Canvas, look: Look, intensities: Mapping[str, float], gaze: tuple[float, float] = (0.0, 0.0)
) -> tuple[Floats, Floats]:
    """Return the colour (V x 3, linear reflectance) and the roughness (V) of each vertex.

    Args:
        canvas: maps of the mesh.
        look: appearance of the person.
        intensities: intensities of the action units, 0 to 5, whose creases are painted.
        gaze: direction of the eyes in degrees, to the person's left and up.
    """
    generator = np.random.default_rng(look.pattern)
    skin = _skin(look)
    hair = np.asarray(look.hair)
    colour = skin * (1 + 0.06 * look.mottle * _noise(canvas.points, generator, 2.0))[:, None]
    colour *= (1 + 0.03 * look.mottle * _noise(canvas.points, generator, 0.5))[:, None]
    colour *= np.exp(-look.flush * canvas.flush[:, None] * [0.05, 0.3, 0.28])
    colour *= 1 - 0.18 * canvas.sockets[:, None]
    colour = _over(colour, 0.5 * hair + 0.2 * skin, 0.6 * look.stubble * canvas.beard)
    rough = np.full(len(colour), 0.6 - 0.2 * look.shine)

    x, y, z = canvas.points.T
    edge = look.hairline + 0.25 * _noise(canvas.points, generator, 1.5) - 0.02 * x**2
    cropped = ramp(y - edge + 0.9 * np.clip(3.5 - z, 0, None), -0.3, 0.5) * canvas.skin * look.scalp
    colour = _over(colour, hair, cropped)
    width = look.brow_width * (0.13 + 0.27 * ramp(canvas.along, 0, 0.6))
    dense = ramp(canvas.brow / width, 1.3, 0.7) * (1 + 0.15 * _noise(canvas.points, generator, 0.3))
    dense = np.clip(dense, 0, 1) * look.brow
    colour = _over(colour, np.minimum(hair, 0.3 * skin), dense)
    rough += 0.35 * cropped + 0.2 * dense

    colour = _over(colour, to_linear(25, 18, 15), 0.85 * ramp(canvas.upper_lid, 0.22, 0.08) * canvas.skin)
    colour = _over(colour, 0.35 * skin, 0.45 * ramp(canvas.lower_lid, 0.16, 0.05) * canvas.skin)
    lips = skin * np.array([0.85, 0.5, 0.5]) * (1 - 0.25 * look.lips) + 0.12 * look.lips * to_linear(190, 60, 70)
    colour = _over(colour, lips, canvas.lips)
    rough -= 0.15 * canvas.lips
    for unit, crease in canvas.creases.items():
        colour *= (1 - CREASE * crease * intensities.get(unit, 0.0) / MAX_INTENSITY)[:, None]

    _inside(colour, rough, canvas, skin, lips)
    for side in ("eye_left", "eye_right"):
        colour[PARTS[side]] = _eye(canvas.points[PARTS[side]], look, gaze)
        rough[PARTS[side]] = 0.1
    return np.clip(colour, 0.002, 0.95), np.clip(rough, 0.05, 1)


def _skin(look: Look) -> Floats:
    place = look.tone * (len(SKIN) - 1)
    low = min(int(place), len(SKIN) - 2)
    between = SKIN[low] + (SKIN[low + 1] - SKIN[low]) * (place - low)
    return np.asarray(between * np.exp(look.warmth * np.array([0.03, 0.01, -0.12])))


def _inside(colour: Floats, rough: Floats, canvas: Canvas, skin: Floats, lips: Floats) -> None:
    """Paint the mouth, gums, teeth and eye sockets, in place."""
    mouth = PARTS["mouth"]
    depth = canvas.points[mouth, 2]
    wall = to_linear(150, 70, 66) * (1 - 0.75 * ramp(depth, 10.3, 8.0))[:, None]
    colour[mouth] = _over(wall, 0.8 * lips, ramp(depth, 10.0, 10.6))
    for socket in ("eye_socket_left", "eye_socket_right"):
        colour[PARTS[socket]] = skin * [0.9, 0.6, 0.55]
    colour[PARTS["gums"]], rough[PARTS["gums"]] = to_linear(180, 95, 92), 0.35
    colour[PARTS["teeth"]], rough[PARTS["teeth"]] = to_linear(228, 218, 198), 0.3


def _eye(points: Floats, look: Look, gaze: tuple[float, float]) -> Floats:
    """Return the colours of sclera, iris and pupil, by the angle from the direction of gaze."""
    front = points[points[:, 2].argmax()]
    centre = np.array([*(points.min(0) + points.max(0))[:2] / 2, front[2] - np.ptp(points[:, 1]) * 0.53])
    azimuth, elevation = np.radians(gaze)
    x, y, z = (front - centre) / np.linalg.norm(front - centre)
    y, z = y * np.cos(elevation) + z * np.sin(elevation), z * np.cos(elevation) - y * np.sin(elevation)
    axis = np.array([x * np.cos(azimuth) + z * np.sin(azimuth), y, z * np.cos(azimuth) - x * np.sin(azimuth)])
    rays = (points - centre) / np.linalg.norm(points - centre, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip(rays @ axis, -1, 1)))
    iris, radius = np.asarray(look.iris), look.iris_radius
    colour = to_linear(208, 201, 196) * (1 - 0.25 * look.tone) * (1 - 0.35 * ramp(angle, 45, 85)[:, None] * [0.3, 1, 1])
    colour = _over(colour, iris, ramp(angle, radius + 1.5, radius - 1.5))
    colour = _over(colour, 0.3 * iris, 0.7 * np.exp(-(((angle - radius) / 2.2) ** 2)))
    return _over(colour, np.full(3, 0.004), ramp(angle, look.pupil_radius + 1.2, look.pupil_radius - 1.2))


def _over(colour: Floats, new: Floats, weight: Floats) -> Floats:
    return np.asarray(colour + (new - colour) * weight[:, None])


def _noise(points: Floats, generator: np.random.Generator, scale: float) -> Floats:
    """Smooth noise with a standard deviation of about 1 and features of ``scale`` cm: a sum of waves."""
    waves = 12
    frequencies = generator.normal(size=(waves, 3)) / scale
    phases = generator.uniform(0, 2 * np.pi, waves)
    return np.asarray(np.cos(points @ frequencies.T + phases).sum(1) / np.sqrt(waves / 2))
