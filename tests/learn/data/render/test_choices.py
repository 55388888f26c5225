"""Choices: which are accepted and which are refused."""

import re
from typing import Any

import numpy as np
import pytest

from mien.learn.data.render.choices import CLASSES, LIGHTS, Choices
from mien.learn.data.render.light import directions


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"persons": (3, -1)}, "must not be negative"),
        ({"units": (("AU23", 2.0),)}, "AU23: the face model cannot show it (choose from AU01, "),
        ({"units": (("AU12", 6.0),)}, "AU12: intensity 6 is outside [0, 5]"),
        ({"units": (("AU12", float("nan")),)}, "AU12: intensity nan is outside"),
        ({"units": (("AU12", 2.0), ("AU15", 1.0))}, "AU15 and AU12 exclude each other"),
        ({"units": (("AU26", 2.0),), "sweep": "AU24"}, "AU24 and AU25 exclude each other"),
        ({"sweep": "AU99"}, "AU99: the face model cannot show it"),
        ({"levels": 1}, "levels 1: a sweep needs at least 2"),
        ({"classes": ("hapiness",)}, "unknown class hapiness; did you mean happiness?"),
        ({"classes": ("fear",), "sweep": "AU12"}, "action units and classes cannot be combined"),
        ({"light": "lleft"}, "unknown light lleft; did you mean left?"),
        ({"yaw": (20.0, -20.0)}, "yaw 20:-20 is not a range within -90:90"),
        ({"tone": (0.5, 1.5)}, "tone 0.5:1.5 is not a range within 0:1"),
        ({"distance": (float("nan"), 50.0)}, "distance nan:50 is not a range"),
        ({"background": "sky"}, "unknown colour sky; use a CSS name or #rrggbb"),
    ],
)
def test_bad_choices_are_refused(chosen: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        Choices(**chosen)


def test_background_is_converted_to_linear() -> None:
    assert Choices().colour() is None
    assert Choices(background="white").colour() == pytest.approx((1, 1, 1))
    assert Choices(background="#ff0080").colour() == pytest.approx((1, 0, 0.2159), abs=1e-3)


def test_pictures_of_a_sweep_share_their_scene() -> None:
    assert [Choices(sweep="AU12", levels=3).scene(index) for index in range(7)] == [0, 0, 0, 1, 1, 1, 2]
    assert [Choices(levels=3).scene(index) for index in range(4)] == [0, 1, 2, 3]


def test_eighteen_classes_can_be_chosen() -> None:
    assert len(set(CLASSES)) == 7 + 11


def test_lights_come_from_where_their_names_say() -> None:
    to, _ = directions()
    for name, axis, sign in (
        ("left", 0, -1),
        ("right", 0, 1),
        ("above", 1, 1),
        ("below", 1, -1),
        ("front", 2, 1),
        ("behind", 2, -1),
    ):
        radiance = LIGHTS[name].environment().mean(-1)
        brightest = to[np.unravel_index(radiance.argmax(), radiance.shape)]
        assert sign * brightest[axis] > 0.6, name
