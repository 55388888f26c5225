"""Light, background and tone mapping."""

import numpy as np
import pytest

from mien.learn.data.render.light import Lamp, Light, background, directions, to_linear, to_srgb, tone_map


def test_directions_cover_the_sphere_once() -> None:
    to, solid = directions()
    np.testing.assert_allclose(np.linalg.norm(to, axis=-1), 1)
    assert solid.sum() == pytest.approx(4 * np.pi, rel=0.01)
    np.testing.assert_allclose((to * solid[..., None]).sum((0, 1)), 0, atol=1e-9)


def test_even_light_with_exposure_1_is_white_everywhere() -> None:
    light = Light((0.3, 0.3, 0.3), (0.3, 0.3, 0.3), exposure=1.0)
    np.testing.assert_allclose(light.environment(), 1, rtol=0.01)


def test_exposure_is_the_mean_brightness_of_three_white_surfaces() -> None:
    light = Light((0.5, 0.4, 0.3), (0.1, 0.1, 0.1), (Lamp(60, 20, 0.1, 0.7), Lamp(200, 0, 0.3, 0.2)), exposure=0.8)
    to, solid = directions()
    radiance = light.environment().mean(-1)
    brightness = []
    for normal in ([0, 0, 1], [0.7, 0, 0.7], [-0.7, 0, 0.7]):
        total = 0.0
        for row in range(to.shape[0]):
            for column in range(to.shape[1]):
                total += radiance[row, column] * max(0.0, float(to[row, column] @ normal)) * solid[row, column] / np.pi
        brightness.append(total)
    assert np.mean(brightness) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "toward"), [(0, 0, [0, 0, 1]), (90, 0, [1, 0, 0]), (0, 90, [0, 1, 0])]
)
def test_lamp_is_brightest_in_its_own_direction(azimuth: float, elevation: float, toward: list[float]) -> None:
    radiance = Light((0, 0, 0), (0, 0, 0), (Lamp(azimuth, elevation, 0.1, 1.0),)).environment().mean(-1)
    to, _ = directions()
    brightest = to[np.unravel_index(radiance.argmax(), radiance.shape)]
    assert brightest @ toward > 0.97


def test_srgb_round_trip() -> None:
    shares = np.linspace(0, 1, 50)
    np.testing.assert_allclose(to_srgb(to_linear(*(255 * shares))), shares, atol=1e-6)


def test_tone_mapping_is_monotone_and_never_black() -> None:
    generator = np.random.default_rng(0)
    ramp = np.repeat(np.linspace(0, 4, 200)[None, :, None], 3, 2)
    picture = tone_map(ramp, 0.0, generator).astype(int)
    assert (np.diff(picture, axis=1) >= 0).all()
    assert picture.min() == 1
    assert picture.max() == 255
    assert tone_map(np.zeros((9, 9, 3)), 0.1, generator).min() == 1


def test_background_depends_only_on_the_seed() -> None:
    first, again, other = (background(np.random.default_rng(seed), 32) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01
    assert first.shape == (32, 32, 3)
    assert first.min() >= 0
    assert first.max() <= 1
