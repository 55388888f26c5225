"""What may be chosen, and what is refused."""

from typing import Any

import pytest

from mien.learn.data.render.choices import CLASSES, LIGHTS, Choices


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"persons": (3, -1)}, "must not be negative"),
        ({"units": (("AU23", 2.0),)}, "AU23 cannot be shown; those that can are AU01, "),
        ({"units": (("AU12", 6.0),)}, "AU12 has intensity 6, expected 0 to 5"),
        ({"units": (("AU12", float("nan")),)}, "AU12 has intensity nan"),
        ({"units": (("AU12", 2.0), ("AU15", 1.0))}, "AU15 and AU12 do not go together"),
        ({"units": (("AU26", 2.0),), "sweep": "AU24"}, "AU24 and AU26 do not go together|AU24 and AU25 do not"),
        ({"sweep": "AU99"}, "AU99 cannot be shown"),
        ({"levels": 1}, "a sweep has at least 2"),
        ({"classes": ("joy",)}, "no such class: joy"),
        ({"classes": ("fear",), "sweep": "AU12"}, "cannot both be chosen"),
        ({"light": "moon"}, "no such light: moon"),
        ({"yaw": (20.0, -20.0)}, "yaw 20:-20 is no range inside -90:90"),
        ({"tone": (0.5, 1.5)}, "tone 0.5:1.5 is no range inside 0:1"),
        ({"distance": (float("nan"), 50.0)}, "distance nan:50 is no range"),
        ({"background": "sky"}, "no such colour: sky"),
    ],
)
def test_bad_choices_are_named(chosen: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Choices(**chosen)


def test_a_colour_is_linear() -> None:
    assert Choices().colour() is None
    assert Choices(background="white").colour() == pytest.approx((1, 1, 1))
    assert Choices(background="#ff0080").colour() == pytest.approx((1, 0, 0.2159), abs=1e-3)


def test_the_pictures_of_a_sweep_have_a_scene_in_common() -> None:
    assert [Choices(sweep="AU12", levels=3).scene(index) for index in range(7)] == [0, 0, 0, 1, 1, 1, 2]
    assert [Choices(levels=3).scene(index) for index in range(4)] == [0, 1, 2, 3]


def test_there_are_eighteen_classes_and_every_light_has_its_exposure() -> None:
    assert len(CLASSES) == 7 + 11
    assert all(light.exposure > 0 for light in LIGHTS.values())
