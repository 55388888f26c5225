"""Maps of the face: distances and weights."""

from itertools import pairwise

import numpy as np

from mien.learn.data.render.canvas import CREASES, Canvas, distance, ramp
from mien.learn.data.render.face_model import LANDMARKS, FaceModel


def test_distance_from_a_line_matches_dense_samples() -> None:
    generator = np.random.default_rng(0)
    line, points = generator.normal(size=(4, 3)), generator.normal(size=(30, 3)) * 2
    found, along = distance(points, line)
    shares = np.linspace(0, 1, 2001)[:, None]
    dense = np.concatenate([start + shares * (end - start) for start, end in pairwise(line)])
    away = np.linalg.norm(points[:, None] - dense, axis=2)
    np.testing.assert_allclose(found, away.min(1), atol=2e-3)
    np.testing.assert_allclose(along, away.argmin(1) / len(dense), atol=2e-3)


def test_ramp_may_fall() -> None:
    np.testing.assert_allclose(ramp(np.array([0.0, 1.0, 1.5, 2.0, 9.0]), 2, 1), [1, 1, 0.5, 0, 0])


def test_weights_are_in_the_right_places(face: FaceModel) -> None:
    canvas, marks = Canvas.of(face), LANDMARKS
    for weight in (canvas.skin, canvas.lips, canvas.flush, canvas.sockets, canvas.beard, *canvas.creases.values()):
        assert weight.min() >= 0
        assert weight.max() <= 1
    assert canvas.lips[marks[[51, 57]]].min() > 0.3  # centres of the outer rims
    assert canvas.lips[marks[[8, 27, 30, 33]]].max() == 0  # chin and nose
    assert canvas.brow[marks[17:27]].max() < 0.5
    assert canvas.brow[marks[36:48]].min() > 0.8  # lids
    assert canvas.along[marks[[21, 22]]].min() > 0.9 > 0.1 > canvas.along[marks[[17, 26]]].max()  # inner and outer ends
    upper, lower = marks[[37, 38, 43, 44]], marks[[40, 41, 46, 47]]
    assert canvas.upper_lid[upper].max() == canvas.lower_lid[lower].max() == 0
    assert min(canvas.upper_lid[lower].min(), canvas.lower_lid[upper].min()) > 0.3
    assert canvas.flush[marks[30]] > 0.8 > 0.2 > canvas.flush[marks[36:48]].max()  # tip of the nose, lids
    assert canvas.sockets[marks[36:48]].min() > 0.8 > canvas.sockets[marks[[8, 48, 54]]].max() == 0
    assert canvas.beard[marks[8]] > 0.5 > canvas.beard[marks[27:48]].max() == 0
    assert canvas.brow[14062:].min() == np.inf  # no brow on teeth and eyes
    assert set(canvas.creases) == set(CREASES)
    assert all(crease.max() > 0.6 for crease in canvas.creases.values())
