"""Shots of a run: choices are applied, and everything else stays as it was drawn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mien.learn.data.render.action_units import AVAILABLE
from mien.learn.data.render.camera import Pose
from mien.learn.data.render.choices import CLASSES, LIGHTS, Choices
from mien.learn.data.render.draw import RenderSettings, draw_person, draw_shot
from mien.learn.data.render.make_shot import make_person, make_shot
from mien.relatedness.table import DU_2014

PLAIN = RenderSettings(seed=4, identities=10)

KNOWN: dict[str, Any] = {
    "shot": (40, "random", None),
    "units": {
        "AU02": 1.3386782547222822,
        "AU05": 2.322383488088318,
        "AU10": 4.1680602454485625,
        "AU14": 1.3018669711295319,
        "AU24": 3.8632963804455915,
    },
    "numbers": (6.354316641507537, 19.566437422113594, 0.18030987000864263, 0.46176660717032336),
}


def chosen(**choices: Any) -> RenderSettings:
    return replace(PLAIN, choices=Choices(**choices))


def test_without_choices_everything_is_drawn() -> None:
    for index in range(50):
        assert make_shot(PLAIN, index) == draw_shot(PLAIN, index)
        assert make_person(PLAIN, index) == draw_person(4, index)
    assert "choices" not in PLAIN.plain()
    assert chosen(sweep="AU12").plain()["choices"]["sweep"] == "AU12"


def test_known_draws_have_not_changed() -> None:
    """A change here would make the same command produce a different data set."""
    shot = draw_shot(RenderSettings(seed=1, identities=80), 7)
    person = draw_person(1, shot.subject)
    assert (shot.subject, shot.kind, shot.expression) == KNOWN["shot"]
    assert shot.intensities == pytest.approx(KNOWN["units"])
    assert (shot.pose.yaw, shot.fov, person.look.tone, person.identity[5]) == pytest.approx(KNOWN["numbers"])


@pytest.mark.parametrize(
    ("choices", "same"),
    [
        ({"yaw": (10.0, 20.0), "pitch": (-5.0, -5.0)}, ("subject", "kind", "intensities", "light", "width", "fov")),
        ({"light": "left"}, ("subject", "kind", "intensities", "pose", "width", "fov")),
        ({"distance": (30.0, 60.0)}, ("subject", "kind", "intensities", "pose", "light", "width")),
        ({"units": (("AU12", 3.0), ("AU06", 2.0))}, ("subject", "pose", "light", "width", "fov")),
        ({"classes": ("fear", "happily surprised")}, ("subject", "pose", "light", "width", "fov")),
        ({"persons": (3, 9)}, ("kind", "intensities", "pose", "light", "width", "fov")),
    ],
)
def test_one_choice_does_not_change_the_rest(choices: dict[str, Any], same: tuple[str, ...]) -> None:
    settings = chosen(**choices)
    for index in range(20):
        plain, shot = draw_shot(PLAIN, index), make_shot(settings, index)
        assert {name: getattr(shot, name) for name in same} == {name: getattr(plain, name) for name in same}


def test_ranges_are_respected_and_filled() -> None:
    settings = chosen(yaw=(10.0, 20.0), pitch=(-5.0, -5.0), distance=(30.0, 60.0), tone=(0.2, 0.4))
    shots = [make_shot(settings, index) for index in range(60)]
    assert all(10 <= shot.pose.yaw <= 20 and shot.pose.pitch == -5 for shot in shots)
    assert max(shot.pose.yaw for shot in shots) - min(shot.pose.yaw for shot in shots) > 7
    assert {shot.pose.roll for shot in shots} == {draw_shot(PLAIN, index).pose.roll for index in range(60)}
    distances = [shot.width / 2 / np.tan(np.radians(shot.fov / 2)) for shot in shots]
    assert 30 <= min(distances) < 36
    assert 54 < max(distances) <= 60
    tones = [make_person(settings, number).look.tone for number in range(40)]
    assert 0.2 <= min(tones) < 0.25
    assert 0.35 < max(tones) <= 0.4


def test_units_are_exact() -> None:
    shot = make_shot(chosen(units=(("AU12", 3.0), ("AU06", 2.0))), 5)
    assert shot.intensities == {"AU06": 2, "AU12": 3}
    assert (shot.kind, shot.expression, shot.compound) == ("chosen", None, None)
    assert make_shot(chosen(units=(("AU26", 2.0),)), 0).intensities == {"AU25": 2, "AU26": 2}


@pytest.mark.parametrize("unit", AVAILABLE)
def test_a_sweep_changes_only_its_action_unit(unit: str) -> None:
    settings = chosen(sweep=unit, levels=6)
    shots = [make_shot(settings, index) for index in range(12)]
    assert [shot.intensities.get(unit, 0) for shot in shots] == pytest.approx([0, 1, 2, 3, 4, 5] * 2)
    for first, rest in ((shots[0], shots[1:6]), (shots[6], shots[7:])):
        assert all(replace(shot, intensities={}) == replace(first, intensities={}) for shot in rest)
        assert all(set(shot.intensities) <= {unit, *(["AU25"] if unit == "AU26" else [])} for shot in rest)
    assert shots[0].pose != shots[6].pose


def test_a_sweep_can_be_combined_with_action_units() -> None:
    settings = chosen(sweep="AU12", levels=3, units=(("AU06", 4.0),))
    assert [make_shot(settings, index).intensities for index in range(3)] == [
        {"AU06": 4},
        {"AU06": 4, "AU12": 2.5},
        {"AU06": 4, "AU12": 5},
    ]


@pytest.mark.parametrize("name", CLASSES)
def test_a_chosen_class_is_shown(name: str) -> None:
    for index in range(6):
        shot = make_shot(chosen(classes=(name,)), index)
        assert name in (shot.expression, shot.compound)
        if name in DU_2014.class_labels[1:]:
            assert shot.intensities
            assert min(shot.intensities.values()) >= 2
        assert (shot.kind == "compound") == (shot.compound is not None)


def test_people_keep_their_split_and_may_have_another_seed() -> None:
    shots = [make_shot(chosen(persons=(3, 9)), index) for index in range(20)]
    assert {(shot.subject, shot.split) for shot in shots} == {(3, "train"), (9, "valid")}
    other = chosen(persons_seed=8)
    assert make_person(other, 3) == draw_person(8, 3)
    assert make_shot(other, 5) == draw_shot(PLAIN, 5)
    assert (other.person(3), PLAIN.person(3)) == ("ict-8-00003", "ict-4-00003")


def test_light_and_pose_can_be_fixed() -> None:
    assert make_shot(chosen(light="behind"), 0).light is LIGHTS["behind"]
    assert make_shot(chosen(yaw=(0.0, 0.0), pitch=(0.0, 0.0), roll=(0.0, 0.0)), 3).pose == Pose()
