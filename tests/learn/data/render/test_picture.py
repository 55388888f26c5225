"""The position of the face in the picture and in the crop."""

from dataclasses import replace

import numpy as np
import pytest

from mien.faces.align import TEMPLATE, similarity
from mien.learn.data.render.camera import Pose
from mien.learn.data.render.draw import RenderSettings, Shot, draw_person, draw_shot
from mien.learn.data.render.face_model import LANDMARKS, FaceModel
from mien.learn.data.render.picture import Studio


@pytest.fixture
def shot() -> Shot:
    return replace(draw_shot(RenderSettings(seed=1), 0), intensities={}, gaze=(0.0, 0.0), shift=(0.0, 0.0))


def test_a_frontal_face_is_level_and_centred(hollow: FaceModel, shot: Shot) -> None:
    settings = RenderSettings(size=128)
    view = Studio(hollow, settings).view(replace(shot, pose=Pose(), balance=0.0), draw_person(0, 0))
    eyes = view.landmarks[:2]
    assert eyes[0, 1] == pytest.approx(eyes[1, 1])
    assert eyes[0, 0] < view.landmarks[2, 0] < eyes[1, 0]  # the person's right eye is on the picture's left
    np.testing.assert_allclose(view.landmarks[:, 0].mean(), 64, atol=0.5)
    x, y, width, height = view.box
    assert x < eyes[0, 0] < eyes[1, 0] < x + width
    assert y < eyes[0, 1] < y + height


def test_the_crop_is_inside_the_picture(face: FaceModel) -> None:
    settings = RenderSettings(seed=2)
    studio = Studio(face, settings)
    corners = np.array([[0, 0], [112, 0], [0, 112], [112, 112], [56, 56]])
    outside = []
    for index in range(30):
        shot = draw_shot(settings, index)
        view = studio.view(shot, draw_person(2, shot.subject))
        back = similarity(TEMPLATE, view.landmarks)
        inside = corners @ back[:, :2].T + back[:, 2]
        outside.append(np.clip(np.maximum(-inside, inside - settings.size), 0, None).max(1))
    assert np.median(outside) < 5  # pixels: the border is repeated there
    assert np.max(np.array(outside)[:, 4]) == 0


@pytest.mark.parametrize(
    ("gaze", "shapes"),
    [
        ((15.0, 0.0), ("eyeLookOut_L", "eyeLookIn_R")),
        ((-15.0, 0.0), ("eyeLookIn_L", "eyeLookOut_R")),
        ((0.0, 15.0), ("eyeLookUp_L", "eyeLookUp_R")),
        ((0.0, -15.0), ("eyeLookDown_L", "eyeLookDown_R")),
    ],
)
def test_lids_follow_the_gaze(face: FaceModel, shot: Shot, gaze: tuple[float, float], shapes: tuple[str, ...]) -> None:
    studio, person, frontal = Studio(face, RenderSettings()), draw_person(0, 0), replace(shot, pose=Pose())
    rest, moved = (studio.view(replace(frontal, gaze=each), person).vertices for each in ((0.0, 0.0), gaze))
    lids = LANDMARKS[36:48]
    expected = sum(0.5 * face.shape(name)[lids] for name in shapes)
    np.testing.assert_allclose(moved[lids] - rest[lids], expected, atol=1e-4)
    assert np.abs(expected).max() > 0.05  # cm


def test_jitter_moves_the_crop(hollow: FaceModel, shot: Shot) -> None:
    person = draw_person(0, 0)
    picture = np.random.default_rng(0).integers(1, 256, (128, 128, 3), dtype=np.uint8)
    crops = []
    for jitter in (0.0, 0.0, 2.0):
        studio = Studio(hollow, RenderSettings(jitter=jitter))
        crops.append(studio.crop(picture, studio.view(shot, person), 0))
    np.testing.assert_array_equal(crops[0], crops[1])
    assert (crops[0] != crops[2]).mean() > 0.5
    assert min(crop.min() for crop in crops) >= 1
