"""Random draws: reproducible, in range, split by person, and true to Table 1."""

from typing import Any

import numpy as np
import pytest

from mien.learn.data.render.action_units import AVAILABLE, EXCLUSIVE, UNAVAILABLE
from mien.learn.data.render.draw import KINDS, RenderSettings, Shot, draw_person, draw_shot, draw_units
from mien.relatedness.affect_prior import CIRCUMPLEX
from mien.relatedness.table import DU_2014
from mien.tasks import COMPOUND, EXPRESSION

SETTINGS = RenderSettings(seed=5, identities=50)


@pytest.fixture(scope="module")
def shots() -> list[Shot]:
    return [draw_shot(SETTINGS, index) for index in range(600)]


def test_a_picture_depends_only_on_seed_and_index(shots: list[Shot]) -> None:
    assert draw_shot(SETTINGS, 17) == shots[17]
    assert draw_shot(RenderSettings(seed=6, identities=50), 17) != shots[17]
    assert draw_person(5, 3) == draw_person(5, 3)
    assert draw_person(5, 3) != draw_person(5, 4)


def test_nobody_is_in_both_splits(shots: list[Shot]) -> None:
    training = {shot.subject for shot in shots if shot.split == "train"}
    validation = {shot.subject for shot in shots if shot.split == "valid"}
    assert not training & validation
    assert validation == set(range(40, 50))
    assert max(training) == 39


def test_kinds_occur_with_their_shares(shots: list[Shot]) -> None:
    for kind, share in KINDS.items():
        found = np.mean([shot.kind == kind for shot in shots])
        assert abs(found - share) < 4 * np.sqrt(share / len(shots)), kind
    assert {draw_shot(RenderSettings(kinds=(("single", 2.0),)), index).kind for index in range(20)} == {"single"}


def test_labels_match_the_kind(shots: list[Shot]) -> None:
    for shot in shots:
        assert (shot.expression is not None) == (shot.kind in ("neutral", "expression"))
        assert (shot.compound is not None) == (shot.kind == "compound")
        assert shot.expression is None or shot.expression in EXPRESSION.labels
        assert (shot.expression == "neutral") == (not shot.intensities)
        low = 2 if shot.kind in ("expression", "compound") else 1
        assert all(low <= level <= 5 for level in shot.intensities.values())
        assert not [pair for pair in EXCLUSIVE if set(pair) <= set(shot.intensities)]
        assert ("AU26" not in shot.intensities) or ("AU25" in shot.intensities)


def test_single_faces_move_one_action_unit(shots: list[Shot]) -> None:
    singles = [tuple(shot.intensities) for shot in shots if shot.kind == "single"]
    assert {units for units in singles if len(units) > 1} <= {("AU25", "AU26")}
    assert {unit for units in singles for unit in units} == set(AVAILABLE)


def test_expressions_follow_table_1() -> None:
    generator = np.random.default_rng(0)
    drawn: dict[str, list[dict[str, float]]] = {}
    for _ in range(3000):
        expression, _, intensities = draw_units(generator, "expression")
        assert expression is not None
        drawn.setdefault(expression, []).append(intensities)
    for row, label in enumerate(DU_2014.class_labels[1:], 1):
        for column, unit in enumerate(DU_2014.attribute_labels):
            weight = 0.0 if unit in UNAVAILABLE else DU_2014.weights[row, column]
            share = np.mean([unit in intensities for intensities in drawn[label]])
            assert abs(share - weight) <= 4 * np.sqrt(weight * (1 - weight) / len(drawn[label])), (label, unit)


def test_compounds_show_both_of_their_classes() -> None:
    generator = np.random.default_rng(0)
    drawn = dict(draw_units(generator, "compound")[1:] for _ in range(300))
    assert set(drawn) == set(COMPOUND.labels)
    assert set(drawn["happily surprised"]) == {"AU01", "AU02", "AU12", "AU25", "AU26"}
    assert set(drawn["sadly angry"]) == {"AU04", "AU07", "AU15", "AU24"}
    assert set(drawn["angrily surprised"]) == {"AU01", "AU02", "AU04", "AU07", "AU25", "AU26"}


def test_people_differ_in_shape_and_skin_tone() -> None:
    persons = [draw_person(0, subject) for subject in range(200)]
    tones = np.array([person.look.tone for person in persons])
    assert tones.min() < 0.05
    assert tones.max() > 0.95
    identity = np.array([person.identity for person in persons])
    assert identity.shape == (200, 100)
    assert np.abs(identity).max() <= 2
    assert identity.std() == pytest.approx(0.87, abs=0.02)


def test_pose_stays_within_its_limits(shots: list[Shot]) -> None:
    limits = SETTINGS.pose * np.array([1, 1 / 2, 1 / 3])
    poses = np.abs([[shot.pose.yaw, shot.pose.pitch, shot.pose.roll] for shot in shots])
    assert (poses <= limits + 1e-9).all()
    assert (poses.max(0) > 0.8 * limits).all()


def test_affect_is_that_of_the_class_scaled_by_intensity(shots: list[Shot]) -> None:
    expressive = [shot for shot in shots if shot.kind == "expression"]
    for shot in expressive:
        assert shot.expression is not None
        mean = np.mean(list(shot.intensities.values()))
        np.testing.assert_allclose(shot.affect, np.array(CIRCUMPLEX[shot.expression]) * mean / 5)
    assert len(expressive) > 100
    assert all(shot.affect is None for shot in shots if shot.kind in ("single", "compound", "random"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kinds": (("singel", 1.0),)}, r"unknown kind singel; did you mean single\?"),
        ({"kinds": (("single", -1.0),)}, "must not be negative"),
        ({"kinds": ()}, "at least one must be above 0"),
        ({"threshold": 0.0}, "threshold 0.0 is outside"),
        ({"threshold": 2.5}, "threshold 2.5 is outside"),
        ({"samples": 12}, "samples 12 is not a square number"),
        ({"samples": 0}, "samples 0 is not a square number"),
        ({"identities": 0}, "identities 0 is outside"),
        ({"pose": 90.0}, "pose 90.0 is outside"),
        ({"jitter": -1.0}, "must not be negative"),
    ],
)
def test_bad_settings_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        RenderSettings(**changes)
