"""Contradictions computed by hand, and against a slow oracle."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mien.relatedness.consistency import SIGNS, measure_consistency
from mien.relatedness.table import AFF_WILD2, DU_2014, Relatedness
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Kind, Task


def faces(*each: tuple[str, str, float]) -> dict[str, np.ndarray]:
    """Certain predictions of (class, attributes, valence) for each face."""
    return {
        "expression": np.array([[float(name == shown) for name in EXPRESSION.labels] for shown, _, _ in each]),
        "action_units": np.array(
            [[float(unit in units.split()) for unit in ACTION_UNITS.labels] for _, units, _ in each]
        ),
        "affect": np.array([[valence, 0.0] for _, _, valence in each]),
    }


def slow(outputs: dict[str, np.ndarray], table: Relatedness, threshold: float, margin: float) -> dict[str, Any]:
    """The definitions of the docstring, face by face."""
    tally = dict.fromkeys(("expected", "implied", "signed"), 0)
    wrong = dict.fromkeys(("unsupported", "incomplete", "contradicted", "valence_against", "inconsistent"), 0)
    expected = []
    for row, always in zip(table.weights, table.prototypical, strict=True):
        expected.append({a for a in range(17) if (always[a] if always.any() else row[a] >= 0.5)})
    gaps = []
    for shares, units, (valence, _) in zip(*(outputs[task.name] for task in FACE), strict=True):
        label = int(np.argmax(shares))
        there = {a for a in range(17) if units[a] >= threshold}
        broken = False
        if expected[label]:
            tally["expected"] += 1
            wrong["incomplete"] += not expected[label] <= there
            wrong["unsupported"] += not expected[label] & there
            broken |= not expected[label] & there
        implied = [c for c in range(7) if expected[c] and expected[c] <= there]
        if implied:
            tally["implied"] += 1
            wrong["contradicted"] += label not in implied
            broken |= label not in implied
        if sign := SIGNS.get(EXPRESSION.labels[label]):
            tally["signed"] += 1
            wrong["valence_against"] += valence * sign < -margin
            broken |= valence * sign < -margin
        wrong["inconsistent"] += broken
        for a in range(17):
            if any(table.weights[c, a] > 0 for c in range(7)):
                gaps.append(abs(units[a] - sum(shares[c] * table.weights[c, a] for c in range(7))))
    of = {"unsupported": "expected", "incomplete": "expected", "contradicted": "implied", "valence_against": "signed"}
    count = len(outputs["expression"])
    return {
        "faces": count,
        **{f"{name}_faces": number for name, number in tally.items()},
        **{name: number / ((tally[of[name]] if name in of else count) or 1) for name, number in wrong.items()},
        "gap": float(np.mean(gaps)),
    }


@pytest.mark.parametrize("table", [DU_2014, AFF_WILD2], ids=["du_2014", "aff_wild2"])
@pytest.mark.parametrize(("threshold", "margin"), [(0.5, 0.0), (0.3, 0.2)])
def test_against_a_slow_oracle(table: Relatedness, threshold: float, margin: float) -> None:
    generator = np.random.default_rng(4)
    outputs = {
        "expression": generator.dirichlet(np.ones(7), 300),
        "action_units": generator.beta(0.5, 0.5, (300, 17)),
        "affect": generator.uniform(-1, 1, (300, 2)),
    }
    found = measure_consistency(outputs, table, threshold=threshold, margin=margin)
    by_class = found.pop("by_class")
    assert found == pytest.approx(slow(outputs, table, threshold, margin))
    assert found["implied_faces"] > 20
    for at, label in enumerate(EXPRESSION.labels):
        mine = outputs["expression"].argmax(1) == at
        part = slow({name: values[mine] for name, values in outputs.items()}, table, threshold, margin)
        known = {name: value for name, value in by_class[label].items() if value is not None}
        assert known == pytest.approx({name: part[name] for name in known})
    assert sum(each["expected_faces"] for each in by_class.values()) == found["expected_faces"]


def test_contradictions_counted_by_hand() -> None:
    outputs = faces(
        ("happiness", "AU12 AU25", 0.5),  # consistent
        ("happiness", "AU12", 0.5),  # incomplete, but no contradiction
        ("happiness", "AU06", 0.5),  # only an observational unit: unsupported
        ("happiness", "AU04 AU15", 0.5),  # unsupported, and implies sadness
        ("anger", "AU04 AU07 AU24", 0.3),  # valence against anger
        ("surprise", "AU01 AU02 AU25 AU26", -0.9),  # surprise has no sign
        ("neutral", "", 0.9),  # neutral is not expected to show anything
        ("neutral", "AU12 AU25", 0.0),  # implies happiness
    )
    found = measure_consistency(outputs, DU_2014)
    assert (found["faces"], found["expected_faces"], found["implied_faces"], found["signed_faces"]) == (8, 6, 5, 5)
    assert found["unsupported"] == pytest.approx(2 / 6)
    assert found["incomplete"] == pytest.approx(3 / 6)
    assert found["contradicted"] == pytest.approx(2 / 5)
    assert found["valence_against"] == pytest.approx(1 / 5)
    assert found["inconsistent"] == pytest.approx(4 / 8)
    assert found["by_class"]["happiness"]["unsupported"] == pytest.approx(2 / 4)
    assert found["by_class"]["neutral"]["contradicted"] == 1
    assert found["by_class"]["neutral"]["unsupported"] is None
    assert found["by_class"]["fear"] == {
        "faces": 0, "expected_faces": 0, "implied_faces": 0, "signed_faces": 0, "unsupported": None,
        "incomplete": None, "contradicted": None, "valence_against": None, "inconsistent": None,
    }  # fmt: skip
    json.dumps(found)


def test_faces_that_match_the_table_are_consistent() -> None:
    shown = np.array([label != "neutral" for label in EXPRESSION.labels])
    outputs = {
        "expression": np.eye(7),
        "action_units": DU_2014.weights,
        "affect": np.array([[SIGNS.get(label, 0), 0] for label in EXPRESSION.labels]),
    }
    found = measure_consistency(outputs, DU_2014)
    assert (found["inconsistent"], found["gap"], found["expected_faces"]) == (0, 0, shown.sum())


def test_without_affect_and_with_any_label_space() -> None:
    bird = Task("bird", Kind.CLASSES, ("duck", "heron"), ("", ""))
    traits = Task("traits", Kind.ATTRIBUTES, ("webbed", "long legs"), ("", ""))
    table = Relatedness.from_table(bird, traits, {"duck": ["webbed"]}, {"heron": {"long legs": 0.9, "webbed": 0.1}}, "")
    outputs = {"bird": [[1, 0], [0.4, 0.6]], "traits": [[0.1, 0.8], [0.9, 0.2]]}
    found = measure_consistency(outputs, table, (bird, traits))
    assert "valence_against" not in found
    assert "signed_faces" not in found
    assert (found["unsupported"], found["contradicted"], found["inconsistent"]) == (1, 1, 1)
    gaps = [0.9, 0.8, 0.9 - 0.4 - 0.06, 0.6 * 0.9 - 0.2]
    assert found["gap"] == pytest.approx(np.mean(gaps))


def test_no_faces_and_invalid_settings() -> None:
    none = {task.name: np.zeros((0, len(task))) for task in FACE}
    found = measure_consistency(none, DU_2014)
    assert (found["faces"], found["inconsistent"], found["gap"]) == (0, None, None)
    with pytest.raises(ValueError, match="threshold must be in"):
        measure_consistency(none, DU_2014, threshold=0)
    with pytest.raises(ValueError, match="margin must be in"):
        measure_consistency(none, DU_2014, margin=1)
    with pytest.raises(ValueError, match="need the task action_units"):
        measure_consistency(none, DU_2014, (EXPRESSION, AFFECT))
    with pytest.raises(ValueError, match="relatedness is over"):
        measure_consistency(none, replace(DU_2014, class_labels=DU_2014.class_labels[::-1]))
