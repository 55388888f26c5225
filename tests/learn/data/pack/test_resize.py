"""Whole pictures scaled to one size."""

import numpy as np
import pytest

from mien.faces.detect import Pixels
from mien.learn.data.pack.resize import resize_picture


@pytest.fixture
def halves() -> Pixels:
    """40 x 80: the left quarter is black, the right one white, the middle grey."""
    picture = np.full((40, 80, 3), 100, np.uint8)
    picture[:, :20], picture[:, 60:] = 0, 255
    return picture


def test_a_picture_that_is_not_square_is_squeezed(halves: Pixels) -> None:
    found = resize_picture(halves, 40)
    assert found.shape == (40, 40, 3)
    assert found[20, 5::10, 0].tolist() == [0, 100, 100, 255]
    assert found[5::10, 20, 0].tolist() == [100] * 4
    turned = resize_picture(halves.transpose(1, 0, 2), 40)
    assert np.array_equal(turned.transpose(1, 0, 2), found)


def test_scaling_down_is_antialiased() -> None:
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[:, ::2] = 200
    assert (np.abs(resize_picture(stripes, 20)[2:-2, 2:-2].astype(int) - 100) <= 2).all()


def test_a_picture_of_the_right_size_is_unchanged() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    assert np.array_equal(resize_picture(picture, 24), picture)


def test_grey_is_the_luma() -> None:
    picture = np.full((24, 24, 3), (200, 100, 50), np.uint8)
    found = resize_picture(picture, 24, grey=True)
    assert found.shape == (24, 24, 1)
    assert abs(int(found[0, 0, 0]) - (0.299 * 200 + 0.587 * 100 + 0.114 * 50)) <= 1
