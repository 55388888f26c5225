from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from mien.faces.detect import LANDMARKS, YuNet

BY_HAND = {
    "right_eye": (200, 101),
    "left_eye": (247, 102),
    "nose": (221, 122),
    "mouth_right": (199, 142),
    "mouth_left": (241, 143),
}
"""The landmarks of the astronaut, to within a few pixels."""

JITTER = 7
"""Pixels by which YuNet's landmarks of this face, 90 pixels wide, move when the picture is shifted or resized."""


@pytest.fixture(scope="module")
def detector() -> YuNet:
    return YuNet(threads=1)


@pytest.fixture(scope="module")
def image(astronaut: Path) -> np.ndarray:
    return np.asarray(Image.open(astronaut).convert("RGB"))


def test_one_face_and_its_landmarks(detector: YuNet, image: np.ndarray) -> None:
    (face,) = detector(image)
    assert 0.7 < face.score <= 1
    assert_allclose(face.landmarks, [BY_HAND[name] for name in LANDMARKS], atol=5)
    x, y, width, height = face.box
    assert_allclose((x, y, x + width, y + height), (178, 63, 268, 176), atol=10)


@pytest.mark.parametrize("pad", [1, 17, 64])
def test_padding_shifts_the_face(detector: YuNet, image: np.ndarray, pad: int) -> None:
    (face,), (moved,) = detector(image), detector(np.pad(image, ((pad, 0), (pad, 0), (0, 0))))
    assert_allclose(moved.landmarks, face.landmarks + pad, atol=JITTER)


def test_a_mirrored_picture_swaps_left_and_right(detector: YuNet, image: np.ndarray) -> None:
    (face,), (mirrored,) = detector(image), detector(image[:, ::-1])
    expected = face.landmarks[[1, 0, 2, 4, 3]] * [-1, 1] + [image.shape[1], 0]
    assert_allclose(mirrored.landmarks, expected, atol=JITTER)


@pytest.mark.parametrize("scale", [0.5, 2, 4])
def test_coordinates_are_in_pixels_of_the_picture_at_any_size(detector: YuNet, image: np.ndarray, scale: float) -> None:
    size = round(512 * scale)
    (face,), (other,) = detector(image), detector(np.asarray(Image.fromarray(image).resize((size, size))))
    assert_allclose(other.landmarks / scale, face.landmarks, atol=JITTER)


def test_nothing_in_noise_or_in_tiny_pictures(detector: YuNet) -> None:
    generator = np.random.default_rng(0)
    for shape in ((480, 640, 3), (1, 1, 3), (5, 2000, 3)):
        assert detector(generator.integers(0, 256, shape, np.uint8)) == []


def test_all_faces_of_a_tiled_picture_largest_first(detector: YuNet, image: np.ndarray) -> None:
    small = np.asarray(Image.fromarray(image).resize((256, 256)))
    tiled = np.zeros((512, 768, 3), np.uint8)
    tiled[:, 256:], tiled[:256, :256], tiled[256:, :256] = image, small, small
    faces = detector(tiled)
    assert len(faces) == 3
    assert faces[0].box[0] > 256
    areas = [face.box[2] * face.box[3] for face in faces]
    assert areas == sorted(areas, reverse=True)


def test_a_small_face_in_a_large_picture_is_found(detector: YuNet, image: np.ndarray) -> None:
    large = np.full((1500, 2000, 3), 120, np.uint8)
    large[900:1412, 1400:1912] = image
    (face,) = detector(large)
    assert_allclose(face.landmarks - [1400, 900], [BY_HAND[name] for name in LANDMARKS], atol=JITTER)


def test_min_size(image: np.ndarray) -> None:
    assert YuNet(min_size=85, threads=1)(image)
    assert not YuNet(min_size=150, threads=1)(image)
