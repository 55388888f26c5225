"""Colours of the real mesh: which parts are darker, redder or move with the gaze."""

from dataclasses import replace

import numpy as np
import pytest

from mien.learn.data.render.canvas import Canvas
from mien.learn.data.render.face_model import LANDMARKS, PARTS, FaceModel, Floats
from mien.learn.data.render.paint import Look, paint


@pytest.fixture(scope="module")
def canvas(face: FaceModel) -> Canvas:
    return Canvas.of(face)


def brightness(canvas: Canvas, look: Look, where: Floats) -> float:
    return float(paint(canvas, look, {})[0][where].mean())


def test_colour_and_roughness_are_in_range(canvas: Canvas) -> None:
    for tone in (0.0, 0.5, 1.0):
        colour, rough = paint(canvas, Look(tone=tone, stubble=1, flush=1, mottle=1), {"AU04": 5.0}, (15, -5))
        assert colour.min() > 0
        assert colour.max() < 1
        assert rough.min() > 0
        assert rough.max() <= 1


def test_skin_darkens_with_tone_and_brows_stay_darker(canvas: Canvas) -> None:
    brow = (canvas.brow < 0.1) & (canvas.along > 0.3)
    bare = (canvas.brow > 1) & (canvas.points[:, 1] > 6.5) & (canvas.points[:, 1] < 7.5) & (canvas.skin > 0)
    tones = [brightness(canvas, Look(tone=tone), bare) for tone in (0, 0.25, 0.5, 0.75, 1)]
    assert tones == sorted(tones, reverse=True)
    for tone, skin in zip((0, 0.25, 0.5, 0.75, 1), tones, strict=True):
        assert brightness(canvas, Look(tone=tone, hair=(0.4, 0.3, 0.2)), brow) < 0.65 * skin


def test_lips_are_redder_than_skin(canvas: Canvas) -> None:
    colour, _ = paint(canvas, Look(), {})
    lips, chin = colour[canvas.lips > 0.9].mean(0), colour[LANDMARKS[8]]
    assert lips[0] / lips[1] > 1.2 * chin[0] / chin[1]


def test_a_crease_darkens_as_its_action_unit_grows(canvas: Canvas) -> None:
    fold = canvas.creases["AU04"] > 0.8
    shades = [paint(canvas, Look(), {"AU04": level})[0][fold].mean() for level in (0.0, 2.5, 5.0)]
    assert shades[0] > shades[1] > shades[2]
    np.testing.assert_array_equal(paint(canvas, Look(), {"AU12": 0.0})[0], paint(canvas, Look(), {})[0])


@pytest.mark.parametrize(("gaze", "axis"), [((20.0, 0.0), 0), ((0.0, 15.0), 1)])
def test_the_pupil_follows_the_gaze(canvas: Canvas, gaze: tuple[float, float], axis: int) -> None:
    for eye in ("eye_left", "eye_right"):
        points = canvas.points[PARTS[eye]]
        places = []
        for direction in ((0.0, 0.0), gaze):
            colour = paint(canvas, Look(), {}, direction)[0][PARTS[eye]]
            places.append(points[colour.max(1) < 0.006].mean(0))
        assert places[1][axis] - places[0][axis] > 0.3  # cm


def test_the_pattern_is_the_only_randomness(canvas: Canvas) -> None:
    look = Look(pattern=3)
    np.testing.assert_array_equal(paint(canvas, look, {})[0], paint(canvas, look, {})[0])
    assert np.abs(paint(canvas, look, {})[0] - paint(canvas, replace(look, pattern=4), {})[0]).max() > 0.01
