"""Head pose and projection, compared with values computed by hand."""

import numpy as np
import pytest

from mien.learn.data.render.camera import Camera, Pose


@pytest.mark.parametrize(
    ("pose", "point", "axis", "sign"),
    [
        (Pose(yaw=20), [0, 0, 1], 0, 1),  # the nose moves to the right of the picture
        (Pose(pitch=20), [0, 0, 1], 1, 1),  # the nose moves up
        (Pose(roll=20), [0, 1, 0], 0, 1),  # the crown moves to the right of the picture
    ],
)
def test_directions_of_the_pose(pose: Pose, point: list[float], axis: int, sign: float) -> None:
    turned = pose(np.array([point], float))[0]
    assert sign * turned[axis] == pytest.approx(np.sin(np.radians(20)))


@pytest.mark.parametrize(
    ("pose", "expected"),
    [
        (Pose(yaw=90, roll=90), [0, 0, -1]),  # the crown rolls to the side, then yaws to the back
        (Pose(pitch=90, roll=90), [1, 0, 0]),  # the crown rolls to the side, where pitch leaves it
        (Pose(yaw=90, pitch=-90), [1, 0, 0]),  # the crown pitches to the front, then yaws to the side
    ],
)
def test_roll_comes_before_pitch_and_pitch_before_yaw(pose: Pose, expected: list[float]) -> None:
    np.testing.assert_allclose(pose(np.array([[0.0, 1, 0]])), [expected], atol=1e-12)


def test_pose_keeps_distances() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3))
    turned = Pose(30, -10, 15)(points)
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(turned, axis=0), axis=1), np.linalg.norm(np.diff(points, axis=0), axis=1)
    )
    np.testing.assert_allclose(Pose()(points), points)


def test_target_is_centred_and_the_width_fills_the_picture() -> None:
    target = np.array([1.0, 2.0, 3.0])
    camera = Camera.facing(target, width=20, fov=25, size=100)
    points = target + np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [-10, -10, 0]])
    np.testing.assert_allclose(camera.project(points), [[50, 50], [100, 50], [50, 0], [0, 100]], atol=1e-9)


def test_near_things_are_larger() -> None:
    camera = Camera.facing(np.zeros(3), width=20, fov=25, size=100)
    near, far = camera.project(np.array([[5.0, 0, 5], [5.0, 0, -5]]))[:, 0]
    assert near > 75 > far
