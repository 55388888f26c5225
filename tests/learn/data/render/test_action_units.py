"""From action units to expression shapes, and lips that part with AU25 only."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from mien.learn.data.render.action_units import (
    AVAILABLE,
    CLOSED_GAP,
    EXCLUSIVE,
    PARTED_GAP,
    SHAPES,
    UNAVAILABLE,
    WEAK,
    compatible,
    express,
    shape_strengths,
)
from mien.learn.data.render.face_model import FaceModel, lip_gap
from mien.tasks import ACTION_UNITS


def test_every_action_unit_is_available_or_listed_as_unavailable() -> None:
    assert sorted((*AVAILABLE, *UNAVAILABLE)) == sorted(ACTION_UNITS.labels)
    assert UNAVAILABLE == ("AU23",)
    assert set(WEAK) <= set(AVAILABLE)


def test_docs_have_the_same_table() -> None:
    page = (Path(__file__).parents[4] / "docs" / "renders.md").read_text()
    rows = dict(re.findall(r"^\| (AU\d\d) \| (.+) \|$", page, re.MULTILINE))
    assert rows == {
        unit: ", ".join(f"{gain:g} {shape}" for shape, gain in shapes.items()) for unit, shapes in SHAPES.items()
    }


def test_the_real_model_has_every_shape(face: FaceModel) -> None:
    assert set(shape_strengths(dict.fromkeys(AVAILABLE, 5.0))) <= set(face.names)


def test_every_action_unit_moves_the_real_face(face: FaceModel) -> None:
    rest = express(face, np.zeros(1), {})
    for unit in AVAILABLE:
        moved = np.abs(express(face, np.zeros(1), compatible({unit: 5.0})) - rest)[:9409].max()
        assert moved > 0.3, unit  # cm: about 2 pixels of the crop


def test_strengths_are_proportional_to_intensity_and_add_up() -> None:
    assert shape_strengths({"AU12": 5.0}) == {"mouthSmile_L": 0.9, "mouthSmile_R": 0.9}
    assert shape_strengths({"AU12": 2.5}) == {"mouthSmile_L": 0.45, "mouthSmile_R": 0.45}
    assert shape_strengths({"AU25": 5.0, "AU26": 5.0})["jawOpen"] == pytest.approx(0.46)
    assert shape_strengths({}) == {}


def test_balance_strengthens_the_left_half_and_ignores_undivided_shapes() -> None:
    strengths = shape_strengths({"AU12": 5.0, "AU17": 5.0}, balance=0.1)
    assert strengths["mouthSmile_L"] == pytest.approx(0.99)
    assert strengths["mouthSmile_R"] == pytest.approx(0.81)
    assert strengths["mouthShrugLower"] == pytest.approx(SHAPES["AU17"]["mouthShrugLower"])


@pytest.mark.parametrize(
    ("intensities", "reason"),
    [
        ({"AU23": 1.0}, "AU23: the face model cannot show it"),
        ({"AU12": 5.5}, r"AU12: intensity 5.5 is outside \[0, 5\]"),
    ],
)
def test_unavailable_action_units_are_refused(intensities: Mapping[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        shape_strengths(intensities)


def test_exclusive_action_units_are_dropped() -> None:
    everything = compatible(dict.fromkeys(ACTION_UNITS.labels, 3.0))
    assert not [pair for pair in EXCLUSIVE if set(pair) <= set(everything)]
    assert compatible({"AU26": 4.0}) == {"AU25": 4.0, "AU26": 4.0}
    assert compatible({"AU24": 2.0, "AU25": 1.0, "AU12": 0.0, "AU23": 3.0}) == {"AU25": 1.0}


@pytest.mark.parametrize("level", [1.0, 3.0, 5.0])
def test_lips_part_with_au25_and_close_without(hollow: FaceModel, level: float) -> None:
    parted = express(hollow, np.zeros(1), {"AU25": level})
    assert lip_gap(parted) >= PARTED_GAP + 0.12 * level - 0.01
    raised = {"AU10": level}
    assert lip_gap(hollow.vertices(np.zeros(1), shape_strengths(raised))) > CLOSED_GAP
    assert -0.1 < lip_gap(express(hollow, np.zeros(1), raised)) < CLOSED_GAP + 0.01


def test_lips_of_the_real_face_part_with_au25_only(face: FaceModel) -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        units = generator.choice(AVAILABLE, 4, replace=False)
        shown = compatible({str(unit): float(generator.uniform(1, 5)) for unit in units})
        gap = lip_gap(express(face, generator.normal(0, 0.9, 100), shown))
        assert gap > PARTED_GAP if "AU25" in shown else gap < 2 * CLOSED_GAP, shown
