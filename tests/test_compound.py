"""Equation 8 against a slow oracle and hand-computed values, and invalid classes and sets."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mien.compound import WEIGHTINGS, Compound, Compounds, basic_units
from mien.compound_sets import DU_2014, EMOTIONET, NAMED, RAF_DB
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Kind, Task


def face(expressions: dict[str, float], units: dict[str, float], valence: float) -> dict[str, np.ndarray]:
    """The outputs of a network for one face."""
    return {
        "expression": np.array([[expressions.get(name, 0.0) for name in EXPRESSION.labels]]),
        "action_units": np.array([[units.get(name, 0.0) for name in ACTION_UNITS.labels]]),
        "affect": np.array([[valence, 0.0]]),
    }


def faces(count: int, seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {
        "expression": generator.dirichlet(np.ones(7), count),
        "action_units": generator.uniform(size=(count, 17)),
        "affect": generator.uniform(-1, 1, (count, 2)),
    }


def slow(classes: Compounds, outputs: dict[str, np.ndarray], n: int, c: int) -> float:
    """Equation 8 for one face and one class, term by term."""
    each = classes.classes[c]
    above = below = 0.0
    for a, unit in enumerate(ACTION_UNITS.labels):
        above += outputs["action_units"][n, a] * each.units.get(unit, 0.0)
        below += each.units.get(unit, 0.0)
    shown = sum(outputs["expression"][n, EXPRESSION.labels.index(name)] for name in each.expressions)
    return above / below + shown + float(each.positive and outputs["affect"][n, 0] > 0)


@pytest.mark.parametrize("name", sorted(NAMED))
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_scores_agree_with_a_slow_oracle(name: str, weighting: str) -> None:
    classes = NAMED[name].weighted(weighting)
    outputs = faces(20, 3)
    scores = classes.scores(outputs)
    for n in range(20):
        for c in range(len(classes.classes)):
            assert scores[n, c] == pytest.approx(slow(classes, outputs, n, c))
    assert_allclose(sum(classes.terms(outputs)), scores)


def test_terms_computed_by_hand() -> None:
    outputs = face({"happiness": 0.5, "surprise": 0.3}, {"AU01": 1, "AU12": 0.5, "AU05": 0.25}, 0.2)
    units, expressions, valence = (term[0, 0] for term in RAF_DB.terms(outputs))
    assert units == pytest.approx((1 + 0.5 + 0.64 * 0.25) / (4 + 0.64 + 0.67))
    assert (expressions, valence) == (pytest.approx(0.8), 1)
    assert RAF_DB.weighted("equal").terms(outputs)[0][0, 0] == pytest.approx(1.75 / 6)
    assert RAF_DB.weighted("prototypical").terms(outputs)[0][0, 0] == pytest.approx(1.5 / 4)
    # Table 1: happiness AU12, AU25, AU06 (0.51); surprise AU01, AU02, AU25, AU26, AU05 (0.66)
    assert RAF_DB.weighted("union").terms(outputs)[0][0, 0] == pytest.approx(
        (1 + 0.5 + 0.66 * 0.25) / (5 + 0.51 + 0.66)
    )
    halves = 4 * 0.5 + 1 + 0.255 + 0.33
    assert RAF_DB.weighted("mean").terms(outputs)[0][0, 0] == pytest.approx((0.75 + 0.33 * 0.25) / halves)


def test_valence_counts_for_two_classes_and_only_above_zero() -> None:
    for valence, expected in ((0.01, 1), (0, 0), (-0.5, 0)):
        added = RAF_DB.terms(face({}, {}, valence))[2][0]
        assert_allclose(added, [expected, expected, *[0] * 9])


def test_a_face_that_shows_all_of_a_class_is_given_that_class() -> None:
    for each in DU_2014.classes:
        mixture = dict.fromkeys(each.expressions, 0.5)
        scores = DU_2014.scores(face(mixture, dict(each.units), 0.5 if each.positive else -0.5))[0]
        best = DU_2014.classes[int(scores.argmax())]
        assert set(best.expressions) == set(each.expressions)  # appalled and hatred share units and expressions


def test_basic_or_compound() -> None:
    labels = [each.label for each in EMOTIONET.classes]
    assert [each.label for each in EMOTIONET.classes if each.basic] == labels[:6]

    def predicted(shown: str, expressions: dict[str, float], valence: float) -> str:
        units = dict(EMOTIONET.classes[labels.index(shown)].units)
        return labels[int(EMOTIONET.scores(face(expressions, units, valence))[0].argmax())]

    for valence in (0.8, -0.1):  # the term of valence must not decide between the two
        assert predicted("happy", {"happiness": 0.95, "surprise": 0.05}, valence) == "happy"
        assert predicted("happily surprised", {"happiness": 0.5, "surprise": 0.5}, valence) == "happily surprised"
    assert predicted("angry", {"anger": 0.95, "surprise": 0.05}, -0.5) == "angry"
    assert predicted("angrily surprised", {"anger": 0.5, "surprise": 0.5}, -0.5) == "angrily surprised"
    assert predicted("sad", {"sadness": 0.95, "fear": 0.05}, -0.5) == "sad"


def test_a_class_mixed_with_itself_counts_its_expression_twice() -> None:
    outputs = faces(10, 6)
    sad = EMOTIONET.classes[1]
    once = EMOTIONET.scores(outputs)[:, 1]
    twice = replace(EMOTIONET, classes=(replace(sad, expressions=("sadness", "sadness")), *RAF_DB.classes))
    assert twice.classes[0].basic
    assert_allclose(twice.scores(outputs)[:, 0], once + outputs["expression"][:, EXPRESSION.labels.index("sadness")])


def test_probabilities_rank_as_scores_and_sharpen_with_the_temperature() -> None:
    outputs = faces(50, 1)
    scores = RAF_DB.scores(outputs)
    largest = []
    for temperature in (0.1, 1.0, 10.0):
        shares = Compounds("x", RAF_DB.classes, "", temperature=temperature).probabilities(outputs)
        assert_allclose(shares.sum(1), 1)
        assert (shares.argmax(1) == scores.argmax(1)).all()
        largest.append(shares.max(1))
    assert all((sharp > flat).all() for sharp, flat in pairwise(largest))
    raised = np.exp(scores)
    assert_allclose(RAF_DB.probabilities(outputs), raised / raised.sum(1, keepdims=True))
    huge = Compounds("x", RAF_DB.classes, "", temperature=1e-6).probabilities(outputs)
    assert np.isfinite(huge).all()


def test_more_tasks_and_another_order_change_nothing() -> None:
    outputs = faces(5, 2)
    turned = {name: values[:, ::-1] for name, values in outputs.items()} | {"extra": np.zeros((5, 1))}
    tasks = [Task(task.name, task.kind, task.labels[::-1], task.meanings[::-1]) for task in FACE]
    tasks.insert(0, Task("extra", Kind.CONTINUOUS, ("pain",), ("",)))
    assert_allclose(RAF_DB.scores(turned, tasks), RAF_DB.scores(outputs))
    assert RAF_DB.scores(faces(0, 0)).shape == (0, 11)


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ((EXPRESSION, AFFECT), "compounds need the task action_units"),
        ((EXPRESSION, ACTION_UNITS), "compounds need the task affect"),
        (
            (EXPRESSION, Task("action_units", Kind.ATTRIBUTES, ACTION_UNITS.labels[1:], ("",) * 16), AFFECT),
            "compounds need AU01 in the task action_units",
        ),
    ],
)
def test_missing_tasks_and_labels_are_named(tasks: tuple[Task, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}, which the network does not predict$"):
        RAF_DB.scores(faces(2, 0), tasks)


def test_without_a_positive_class_no_valence_is_needed() -> None:
    classes = Compounds("x", tuple(each for each in RAF_DB.classes if not each.positive), "")
    outputs = faces(4, 0)
    del outputs["affect"]
    assert classes.scores(outputs, (EXPRESSION, ACTION_UNITS)).shape == (4, 9)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": ""}, "a compound needs a name"),
        ({"expressions": ()}, "bored: expressions must be one or two, not 0"),
        ({"expressions": ("anger", "fear", "disgust")}, "not 3"),
        ({"expressions": ("boredom",)}, "bored: unknown expression boredom; "),
        ({"units": {"AU1": 1}}, "bored: unknown action unit AU1; did you mean AU"),
        ({"units": {}}, "bored: needs at least one action unit"),
        ({"units": {"AU01": 0}}, r"bored: the weight of AU01 must be in \(0, 1\], not 0"),
        ({"units": {"AU01": float("nan")}}, "not nan"),
    ],
)
def test_invalid_classes_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Compound(**({"label": "bored", "expressions": ("neutral",), "units": {"AU04": 0.3}} | changes))


def test_invalid_sets_are_refused() -> None:
    one = RAF_DB.classes[0]
    for classes, temperature, reason in (
        ((one,), 1, "x: needs two or more classes, not 1"),
        ((one, one), 1, "x: duplicate label happily surprised"),
        (RAF_DB.classes, 0, "x: temperature must be above 0, not 0"),
    ):
        with pytest.raises(ValueError, match=reason):
            Compounds("x", classes, "", temperature=temperature)
    with pytest.raises(ValueError, match=r"^unknown weighting median; did you mean mean\?$"):
        RAF_DB.weighted("median")
    weak = Compounds("x", (one, Compound("bored", ("neutral",), {"AU04": 0.3})), "")
    with pytest.raises(ValueError, match="bored: needs at least one action unit"):
        weak.weighted("prototypical")
    with pytest.raises(ValueError, match=r"^unknown expression contempt; "):
        basic_units(("contempt",))


def test_json_has_everything_that_the_columns_depend_on() -> None:
    plain = json.loads(replace(EMOTIONET.weighted("fractions"), temperature=0.5).to_json())
    settings = {name: value for name, value in plain.items() if name != "classes"}
    assert settings == {
        "name": "emotionet", "source": EMOTIONET.source, "weighting": "fractions", "temperature": 0.5
    }  # fmt: skip
    again = tuple(
        Compound(label, tuple(each["expressions"]), each["units"], each["positive"])
        for label, each in plain["classes"].items()
    )
    assert again == EMOTIONET.classes
