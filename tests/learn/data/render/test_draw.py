"""What is drawn: repeatable, in range, by person, and true to Table 1."""

from typing import Any

import numpy as np
import pytest

from mien.learn.data.render.action_units import AGAINST, SHOWN, UNSHOWN
from mien.learn.data.render.draw import KINDS, Settings, Shot, draw_person, draw_shot, draw_units
from mien.relatedness.table import DU_2014
from mien.tasks import COMPOUND, EXPRESSION

SETTINGS = Settings(seed=5, identities=50)


@pytest.fixture(scope="module")
def shots() -> list[Shot]:
    return [draw_shot(SETTINGS, index) for index in range(600)]


def test_a_picture_depends_on_seed_and_index_alone(shots: list[Shot]) -> None:
    assert draw_shot(SETTINGS, 17) == shots[17]
    assert draw_shot(Settings(seed=6, identities=50), 17) != shots[17]
    assert draw_person(5, 3) == draw_person(5, 3)
    assert draw_person(5, 3) != draw_person(5, 4)


def test_splits_are_of_persons(shots: list[Shot]) -> None:
    training = {shot.subject for shot in shots if shot.split == "train"}
    validation = {shot.subject for shot in shots if shot.split == "valid"}
    assert not training & validation
    assert validation == set(range(40, 50))
    assert max(training) == 39


def test_kinds_come_by_their_shares(shots: list[Shot]) -> None:
    for kind, share in KINDS.items():
        found = np.mean([shot.kind == kind for shot in shots])
        assert abs(found - share) < 4 * np.sqrt(share / len(shots)), kind
    assert {draw_shot(Settings(kinds=(("single", 2.0),)), index).kind for index in range(20)} == {"single"}


def test_labels_go_with_their_kinds(shots: list[Shot]) -> None:
    for shot in shots:
        assert (shot.expression is not None) == (shot.kind in ("neutral", "expression"))
        assert (shot.compound is not None) == (shot.kind == "compound")
        assert shot.expression is None or shot.expression in EXPRESSION.labels
        assert (shot.expression == "neutral") == (not shot.intensities)
        low = 2 if shot.kind in ("expression", "compound") else 1
        assert all(low <= level <= 5 for level in shot.intensities.values())
        assert not [pair for pair in AGAINST if set(pair) <= set(shot.intensities)]
        assert ("AU26" not in shot.intensities) or ("AU25" in shot.intensities)


def test_single_faces_move_one_action_unit(shots: list[Shot]) -> None:
    singles = [tuple(shot.intensities) for shot in shots if shot.kind == "single"]
    assert {units for units in singles if len(units) > 1} <= {("AU25", "AU26")}
    assert {unit for units in singles for unit in units} == set(SHOWN)


def test_expressions_are_those_of_table_1() -> None:
    generator = np.random.default_rng(0)
    drawn: dict[str, list[dict[str, float]]] = {}
    for _ in range(3000):
        expression, _, intensities = draw_units(generator, "expression")
        assert expression is not None
        drawn.setdefault(expression, []).append(intensities)
    for row, label in enumerate(DU_2014.class_labels[1:], 1):
        for column, unit in enumerate(DU_2014.attribute_labels):
            weight = 0.0 if unit in UNSHOWN else DU_2014.weights[row, column]
            share = np.mean([unit in intensities for intensities in drawn[label]])
            assert abs(share - weight) <= 4 * np.sqrt(weight * (1 - weight) / len(drawn[label])), (label, unit)


def test_compounds_show_both_their_classes_as_far_as_one_mouth_can() -> None:
    generator = np.random.default_rng(0)
    drawn = dict(draw_units(generator, "compound")[1:] for _ in range(300))
    assert set(drawn) == set(COMPOUND.labels)
    assert set(drawn["happily surprised"]) == {"AU01", "AU02", "AU12", "AU25", "AU26"}
    assert set(drawn["sadly angry"]) == {"AU04", "AU07", "AU15", "AU24"}
    assert set(drawn["angrily surprised"]) == {"AU01", "AU02", "AU04", "AU07", "AU25", "AU26"}


def test_looks_are_within_their_ranges_and_reach_light_and_dark() -> None:
    persons = [draw_person(0, subject) for subject in range(200)]
    tones = np.array([person.look.tone for person in persons])
    assert tones.min() < 0.05
    assert tones.max() > 0.95
    identity = np.array([person.identity for person in persons])
    assert identity.shape == (200, 100)
    assert np.abs(identity).max() <= 2
    assert identity.std() == pytest.approx(0.87, abs=0.02)


def test_pose_stays_inside(shots: list[Shot]) -> None:
    limits = SETTINGS.pose * np.array([1, 1 / 2, 1 / 3]) + 1e-9
    assert all((np.abs([shot.pose.yaw, shot.pose.pitch, shot.pose.roll]) <= limits).all() for shot in shots)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kinds": (("angry", 1.0),)}, "no such kind of face: angry"),
        ({"kinds": (("single", -1.0),)}, "must not be negative"),
        ({"kinds": ()}, "one must be above 0"),
        ({"threshold": 0.0}, "threshold 0.0 is outside"),
        ({"threshold": 2.5}, "threshold 2.5 is outside"),
        ({"samples": 12}, "samples 12 is not a square number"),
        ({"samples": 0}, "samples 0 is not a square number"),
        ({"identities": 0}, "identities 0 is outside"),
        ({"pose": 90.0}, "pose 90.0 is outside"),
        ({"jitter": -1.0}, "must not be negative"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Settings(**changes)
