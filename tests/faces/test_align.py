import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from mien.faces.align import CROP, TEMPLATE, align, similarity


def test_similarity_is_exact_on_a_similarity() -> None:
    a, b = 1.7 * np.exp(0.4j), 3 - 8j
    z = TEMPLATE @ np.array([1, 1j])
    w = a * z + b
    matrix = similarity(TEMPLATE, np.stack([w.real, w.imag], 1))
    assert_allclose(matrix, [[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]], atol=1e-12)


def test_similarity_agrees_with_least_squares() -> None:
    generator = np.random.default_rng(0)
    source, target = generator.normal(size=(2, 5, 2))
    design = np.zeros((10, 4))
    design[0::2] = np.c_[source[:, 0], -source[:, 1], np.ones(5), np.zeros(5)]
    design[1::2] = np.c_[source[:, 1], source[:, 0], np.zeros(5), np.ones(5)]
    c, s, x, y = np.linalg.lstsq(design, target.ravel(), rcond=None)[0]
    assert_allclose(similarity(source, target), [[c, -s, x], [s, c, y]], atol=1e-10)


def test_similarity_never_reflects() -> None:
    matrix = similarity(TEMPLATE, TEMPLATE * [-1, 1])
    assert np.linalg.det(matrix[:, :2]) >= 0


def test_similarity_refuses_points_that_coincide() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity(np.ones((5, 2)), TEMPLATE)


@pytest.mark.parametrize(("scale", "angle"), [(0.5, 0.0), (1.0, 0.5), (3.3, -0.7), (9.4, 2.0)])
def test_landmarks_are_mapped_to_the_template(scale: float, angle: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (TEMPLATE - 56) @ turn.T + 700
    y, x = np.mgrid[:1400, :1400] + 0.5
    for index, (across, down) in enumerate(landmarks):
        blob = 255 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * (2.5 * scale) ** 2))
        crop = align(np.repeat(blob.astype(np.uint8)[..., None], 3, 2), landmarks).astype(float)[..., 0]
        grid = np.arange(CROP) + 0.5
        centre = np.array([(crop.sum(0) * grid).sum(), (crop.sum(1) * grid).sum()]) / crop.sum()
        assert_allclose(centre, TEMPLATE[index], atol=0.1)


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.7, 8.2])
def test_a_ramp_is_sampled_at_the_mapped_positions(scale: float) -> None:
    ramp = np.tile(np.linspace(0, 255, 1024), (1024, 1))
    image = np.repeat(np.rint(ramp)[..., None], 3, 2).astype(np.uint8)
    crop = align(image, TEMPLATE * scale + 20)
    x = (np.arange(CROP) + 0.5) * scale + 20 - 0.5
    assert np.abs(crop[CROP // 2, :, 0] - x * 255 / 1023).max() < 1.5


def test_the_border_is_repeated() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    image[:, :30], image[:, 30:] = (200, 10, 30), (20, 90, 250)
    crop = align(image, TEMPLATE * 0.3 + [13, 13])
    assert_array_equal(np.unique(crop[:, 0], axis=0), [[200, 10, 30]])
    assert_array_equal(np.unique(crop[:, -1], axis=0), [[20, 90, 250]])
    assert (crop.sum(2) > 0).all()


def test_a_face_far_outside_the_picture_still_gives_a_crop() -> None:
    assert align(np.full((20, 20, 3), 7, np.uint8), TEMPLATE + 500).min() == 7


def test_reduction_does_not_alias() -> None:
    board = (np.indices((900, 900)).sum(0) % 2 * 255).astype(np.uint8)
    crop = align(np.repeat(board[..., None], 3, 2), TEMPLATE * 6 + 80)
    assert np.abs(crop.astype(int) - 127).max() <= 20


def test_other_sizes_and_templates() -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    assert_array_equal(align(image, TEMPLATE / 2, template=TEMPLATE / 2, size=56), image[:56, :56])
