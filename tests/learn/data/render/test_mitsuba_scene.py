"""The renderer agrees with the camera, and the same seed gives the same picture."""

import numpy as np
import pytest

pytest.importorskip("mitsuba", reason="the renderer is not installed")

from mien.learn.data.render.camera import Camera
from mien.learn.data.render.face_model import FaceModel
from mien.learn.data.render.light import Lamp, Light
from mien.learn.data.render.mitsuba_scene import Renderer


def square(hollow: FaceModel, centre: tuple[float, float, float], half: float) -> np.ndarray:
    """A square facing the camera, built from the first quad; all other polygons have no area."""
    vertices = np.zeros_like(hollow.neutral)
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    vertices[:4] = np.array(centre) + half * corners
    return vertices


def see(renderer: Renderer, vertices: np.ndarray, light: Light, camera: Camera, seed: int = 0) -> np.ndarray:
    colour, rough = np.full((len(vertices), 3), 0.5), np.full(len(vertices), 0.6)
    return renderer(vertices, colour, rough, light.environment(), camera, seed)


@pytest.fixture(scope="module")
def renderer(hollow: FaceModel) -> Renderer:
    return Renderer(hollow, 64, 16)


@pytest.mark.parametrize("place", [(0, 0, 9), (4, -3, 9), (-5, 6, 2)])
def test_a_point_is_drawn_where_it_is_projected(
    renderer: Renderer, hollow: FaceModel, place: tuple[float, float, float]
) -> None:
    camera = Camera.facing(np.array([1.0, 0, 9]), width=26, fov=28, size=64)
    cover = see(renderer, square(hollow, place, 1.5), Light(), camera)[..., 3]
    y, x = np.mgrid[:64, :64] + 0.5
    centroid = [(cover * x).sum() / cover.sum(), (cover * y).sum() / cover.sum()]
    np.testing.assert_allclose(centroid, camera.project(np.array([place], float))[0], atol=0.1)


def test_light_comes_from_the_lamp(renderer: Renderer, hollow: FaceModel) -> None:
    camera = Camera.facing(np.array([0.0, 0, 9]), width=26, fov=28, size=64)
    flat = square(hollow, (0, 0, 9), 6)
    tilted = flat.copy()
    tilted[:4, 2] += flat[:4, 0] * -0.8  # faces the right of the picture
    brightness = [
        see(renderer, tilted, Light((0, 0, 0), (0, 0, 0), (Lamp(azimuth, 0, 0.1, 1.0),)), camera)[32, 32, :3].mean()
        for azimuth in (60, -60)
    ]
    assert brightness[0] > 5 * brightness[1]
    even = see(renderer, flat, Light((1, 1, 1), (1, 1, 1)), camera)[28:36, 28:36, :3].mean()
    assert even == pytest.approx(0.5, abs=0.1)  # half of the light is reflected, plus a little gloss


def test_the_same_seed_gives_the_same_picture(hollow: FaceModel, renderer: Renderer) -> None:
    camera = Camera.facing(np.array([0.0, 0, 9]), width=26, fov=28, size=64)
    light = Light((0.2, 0.2, 0.2), (0.1, 0.1, 0.1), (Lamp(30, 20, 0.05, 1.0),))
    vertices = square(hollow, (0, 0, 9), 6)
    first, again, other = (see(renderer, vertices, light, camera, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
