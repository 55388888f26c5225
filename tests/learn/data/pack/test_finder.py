"""Detection in pixels of the picture, and the face that a box means."""

import numpy as np
import pytest

from mien.faces.detect import Face, Pixels
from mien.learn.data.pack.finder import Finder, holds, overlap

IMAGE = np.zeros((100, 200, 3), np.uint8)


def face(x: float, y: float, side: float) -> Face:
    return Face((x, y, side, side), 0.9, np.full((5, 2), x, np.float32) + np.arange(10, dtype=np.float32).reshape(5, 2))


def test_faces_are_in_pixels_of_the_picture_before_it_is_enlarged() -> None:
    image = np.zeros((60, 40, 3), np.uint8)
    sizes = []

    def detector(wide: Pixels) -> list[Face]:
        sizes.append(wide.shape)
        points = (np.array([[10, 20]] * 5) + 15) * 4  # the pixel (10, 20) behind a border of a quarter of 60
        return [Face((15 * 4.0, 15 * 4.0, 40 * 4.0, 60 * 4.0), 0.8, points.astype(np.float32))]

    found = Finder(margin=0.25, enlarge=4).find_largest(image, [lambda _: [], detector])  # type: ignore[list-item]
    assert sizes == [(360, 280, 3)]
    assert found is not None
    assert found.box == (0, 0, 40, 60)
    assert np.allclose(found.landmarks, [[10, 20]] * 5)
    assert Finder().find_largest(image, [lambda _: []]) is None  # type: ignore[list-item]


def test_the_border_is_repeated_around_the_picture() -> None:
    image = np.zeros((60, 40, 3), np.uint8)
    image[0, 0] = 200
    seen: list[Pixels] = []
    Finder(margin=0.25).find_largest(image, [lambda wide: seen.append(wide) or []])  # type: ignore[list-item,func-returns-value]
    assert seen[0].shape == (90, 70, 3)
    assert (seen[0][:16, :16] == 200).all()
    assert (seen[0][16:, 16:] == 0).all()


def test_detectors_skip_faces_under_ten_pixels_of_the_original() -> None:
    first, second = Finder(enlarge=4, scores=(0.6, 0.3)).make_detectors()
    assert (first.score, second.score) == (0.6, 0.3)
    assert first.min_size == second.min_size == 40


def test_the_face_with_the_largest_overlap_belongs_to_the_box() -> None:
    near, small = face(12, 12, 80), face(20, 20, 30)
    found = Finder().find_in_box(IMAGE, [lambda _: [near, small]], (15, 15, 40, 40))  # type: ignore[list-item]
    assert overlap(small.box, (15, 15, 40, 40)) > overlap(near.box, (15, 15, 40, 40))
    assert found is not None
    assert found.box == small.box


def test_a_second_pass_searches_around_the_box() -> None:
    seen = []

    def close(image: Pixels) -> list[Face]:
        seen.append(image.shape)
        return [Face((10, 5, 20, 20), 0.8, np.full((5, 2), 7, np.float32))] if image.shape != IMAGE.shape else []

    found = Finder().find_in_box(IMAGE, [close], (60, 20, 20, 20))  # type: ignore[list-item]
    assert seen == [IMAGE.shape, (40, 40, 3)]
    assert found is not None
    assert found.box == (60, 15, 20, 20)
    np.testing.assert_array_equal(found.landmarks, np.tile([57, 17], (5, 1)))


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 0, 2, 2), (1, 1, 2, 2)) == pytest.approx(1 / 7)
    assert overlap((0, 0, 1, 1), (2, 0, 1, 1)) == 0
    assert overlap((1, 1, 3, 4), (1, 1, 3, 4)) == 1


def test_a_box_holds_a_face_whose_centre_is_inside() -> None:
    assert holds((0, 0, 10, 10), (6, 6, 8, 8))
    assert not holds((0, 0, 10, 10), (7, 2, 8, 8))
    assert not holds((0, 0, 10, 10), (2, 7, 8, 8))
