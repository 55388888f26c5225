"""Figures against scikit-learn, against sums by hand, and where there is little to count."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, root_mean_squared_error

from mien.learn.evaluate.metrics import (
    CONTINUOUS,
    concordance,
    correlation,
    lower_is_better,
    metrics,
    of_attributes,
    of_classes,
    of_continuous,
    root_mean_square,
    sign_agreement,
)
from mien.tasks import AFFECT, EXPRESSION, FACE

LABELS = ("a", "b", "c", "d")


@pytest.mark.parametrize("seed", range(3))
def test_class_figures_agree_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, probabilities = generator.integers(0, 4, 60), generator.dirichlet(np.ones(4), 60)
    guess = probabilities.argmax(1)
    found = of_classes(probabilities, truth, LABELS)
    matrix = confusion_matrix(truth, guess, normalize="true")
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, guess))
    assert found["f1"] == pytest.approx(f1_score(truth, guess, average="macro"))
    assert found["mean_recall"] == pytest.approx(matrix.diagonal().mean())
    assert found["afa"] == pytest.approx((found["f1"] + found["accuracy"]) / 2)
    assert [found[f"recall.{name}"] for name in LABELS] == pytest.approx(matrix.diagonal())


def test_an_absent_class_counts_in_f1_but_not_in_mean_recall() -> None:
    truth = np.array([0, 0, 1, 2])
    probabilities = np.eye(4)[[0, 1, 1, 2]]  # class d neither occurs nor is guessed
    found = of_classes(probabilities, truth, LABELS)
    assert found["f1"] == pytest.approx((2 / 3 + 2 / 3 + 1 + 0) / 4)
    assert found["mean_recall"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert [name for name in found if name.startswith("recall.")] == ["recall.a", "recall.b", "recall.c"]


def test_attributes_are_judged_at_one_half_over_their_annotated_cells() -> None:
    truth = np.array([[1, 1], [0, 1], [1, 0], [1, 1]], float)
    probabilities = np.array([[0.5, 0.9], [0.6, 0.1], [0.49, 0.8], [0.9, 0.9]])
    mask = np.array([[True, True], [True, True], [True, True], [True, False]])
    found = of_attributes(probabilities, truth, mask, ("x", "y"))
    assert found["f1.x"] == pytest.approx(f1_score([1, 0, 1, 1], [1, 1, 0, 1])) == pytest.approx(2 / 3)
    assert found["f1.y"] == pytest.approx(1 / 2)  # one right, one missed, one false; the fourth is not annotated
    assert found["f1"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["accuracy"] == pytest.approx((2 / 4 + 1 / 3) / 2)
    assert found["total_accuracy"] == pytest.approx(3 / 7)  # pooled: x has four cells, y three
    assert found["afa"] == pytest.approx((found["f1"] + found["accuracy"]) / 2)
    assert found["f1_present"] == found["f1"]


def test_attributes_without_positives_or_without_annotations() -> None:
    truth, mask = np.zeros((3, 3)), np.ones((3, 3), bool)
    mask[:, 2] = False
    probabilities = np.array([[0.1, 0.9, 0.9]] * 3)
    found = of_attributes(probabilities, truth, mask, ("quiet", "false", "unknown"))
    assert found == {"f1": 0, "accuracy": 0.5, "total_accuracy": 0.5, "afa": 0.25, "f1.quiet": 0, "f1.false": 0}
    assert of_attributes(probabilities, truth, np.zeros((3, 3), bool), ("a", "b", "c")) == {}


@pytest.mark.parametrize("seed", range(3))
def test_attribute_figures_agree_with_scikit_learn_on_partial_labels(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, mask = generator.integers(0, 2, (40, 5)).astype(float), generator.random((40, 5)) < 0.6
    probabilities, labels = generator.random((40, 5)), tuple("vwxyz")
    found = of_attributes(probabilities, truth, mask, labels)
    cells = [(truth[mask[:, i], i], probabilities[mask[:, i], i] >= 0.5) for i in range(5)]
    f1 = [f1_score(*cell) for cell in cells]
    assert [found[f"f1.{name}"] for name in labels] == pytest.approx(f1)
    assert found["f1"] == pytest.approx(np.mean(f1)) == pytest.approx(found["f1_present"])
    assert found["accuracy"] == pytest.approx(np.mean([accuracy_score(*cell) for cell in cells]))
    assert found["total_accuracy"] == pytest.approx(accuracy_score(truth[mask], probabilities[mask] >= 0.5))
    hidden = np.where(mask, truth, 1 - truth)
    assert of_attributes(probabilities, hidden, mask, labels) == found


def test_an_attribute_without_a_positive_counts_in_f1_but_not_in_f1_present() -> None:
    truth = np.array([[1, 0], [0, 0]], float)
    found = of_attributes(np.array([[0.9, 0.1], [0.1, 0.1]]), truth, np.ones((2, 2), bool), ("seen", "unseen"))
    assert (found["f1"], found["f1_present"], found["accuracy"]) == (0.5, 1, 1)


def test_groups_are_judged_by_their_most_probable_label() -> None:
    labels = ("sleeve=none", "warm", "sleeve=short", "sleeve=long", "neck=v", "neck=round", "lonely=yes")
    truth = np.array(
        [
            [1, 0, 0, 0, 1, 0, 1],
            [0, 0, 1, 0, 0, 1, 1],
            [0, 1, 0, 1, 1, 0, 1],
            [0, 1, 0, 0, 0, 0, 1],  # no value of any group: counts for none
            [0, 1, 0, 1, 1, 1, 1],  # two values of neck: not one either
        ],
        float,
    )
    mask = np.ones(truth.shape, bool)
    mask[2, 0] = False  # a group that is not annotated whole does not count
    probabilities = np.full(truth.shape, 0.1)
    probabilities[[0, 1, 2, 3, 4], [0, 3, 3, 0, 3]] = 0.4  # below 0.5, yet the most probable
    probabilities[[0, 1, 2, 3, 4], [4, 5, 5, 4, 4]] = 0.4
    found = of_attributes(probabilities, truth, mask, labels)
    assert found["group_accuracy.sleeve"] == pytest.approx(2 / 3)  # rows 0, 1, 4; row 1 is wrong
    assert found["group_accuracy.neck"] == pytest.approx(2 / 3)  # rows 0, 1, 2; row 2 is wrong
    assert found["group_accuracy"] == pytest.approx(2 / 3)
    assert "group_accuracy.lonely" not in found  # one label alone is no choice
    assert not any(name.startswith("group") for name in of_attributes(probabilities, truth, mask, tuple("abcdefg")))


def test_concordance_by_hand() -> None:
    prediction, truth = np.array([0.0, 0.5, 1.0]), np.array([-0.5, 0.0, 0.5])
    assert concordance(prediction, truth) == pytest.approx(2 * (1 / 6) / (1 / 6 + 1 / 6 + 1 / 4))
    assert concordance(truth, truth) == pytest.approx(1)
    assert concordance(-truth, truth) == pytest.approx(-1)
    assert concordance(2 * truth, truth) == pytest.approx(0.8)


@pytest.mark.parametrize("n", [1, 3, 7, 50])
@pytest.mark.parametrize("value", [0.1, 0.0, -0.7])
def test_constants_have_no_concordance(n: int, value: float) -> None:
    constant, varied = np.full(n, value, np.float32), np.linspace(-1, 1, n, dtype=np.float32)
    assert concordance(constant, constant) == 0
    assert concordance(constant, varied) == 0
    assert concordance(varied, constant) == 0
    assert concordance(constant[:0], constant[:0]) == 0


def test_correlation_and_errors_agree_with_scipy_and_scikit_learn() -> None:
    for seed in range(5):
        draw = np.random.default_rng(seed)
        truth = draw.uniform(-1, 1, 40).astype(np.float32)
        prediction = (0.4 * truth + draw.normal(0, 0.3, 40)).astype(np.float32)
        assert correlation(prediction, truth) == pytest.approx(stats.pearsonr(prediction, truth).statistic, abs=1e-6)
        assert root_mean_square(prediction, truth) == pytest.approx(root_mean_squared_error(truth, prediction))
        assert correlation(3 * prediction - 9, truth) == pytest.approx(correlation(prediction, truth), abs=1e-5)
        assert -1 <= correlation(-truth, truth) == pytest.approx(-1)
        assert 1 >= correlation(truth / 3, truth) == pytest.approx(1)


def test_sign_agreement_by_hand() -> None:
    truth = np.array([0.5, -0.5, 0.0, 0.0, 0.3, -0.1])
    prediction = np.array([0.1, 0.5, 0.0, 0.2, 0.0, -0.0001])
    assert sign_agreement(prediction, truth) == pytest.approx(3 / 6)  # the first, both zeros, and the last
    assert sign_agreement(np.array([-0.0]), np.array([0.0])) == 1
    assert sign_agreement(truth, truth) == 1


@pytest.mark.parametrize("n", [1, 4])
def test_constants_have_no_correlation_but_signs_and_errors(n: int) -> None:
    constant, varied = np.full(n, 0.1, np.float32), np.linspace(-1, 1, n, dtype=np.float32)
    assert correlation(constant, constant) == correlation(constant, varied) == correlation(varied, constant) == 0
    assert sign_agreement(constant, constant) == 1
    assert sign_agreement(constant, varied) == (0 if n == 1 else 1 / 2)
    assert root_mean_square(constant, constant + 1) == pytest.approx(1)


def test_figures_of_nothing_are_zero() -> None:
    nothing = np.zeros(0, np.float32)
    assert {name: judge(nothing, nothing) for name, judge in CONTINUOUS.items()} == dict.fromkeys(CONTINUOUS, 0)


def test_means_are_over_the_dimensions_that_are_annotated() -> None:
    draw = np.random.default_rng(0)
    truth, values = draw.uniform(-1, 1, (30, 3)), draw.uniform(-1, 1, (30, 3))
    mask = draw.random((30, 3)) < 0.7
    mask[:, 1] = False
    found = of_continuous(values, truth, mask, ("a", "b", "c"))
    for name, judge in CONTINUOUS.items():
        parts = [judge(values[mask[:, i], i], truth[mask[:, i], i]) for i in (0, 2)]
        assert [found[f"{name}.a"], found[f"{name}.c"]] == parts
        assert found[name] == pytest.approx(np.mean(parts))
        assert f"{name}.b" not in found
    assert len(found) == 3 * len(CONTINUOUS)


def test_of_errors_and_of_the_probe_lower_is_better() -> None:
    assert all(map(lower_is_better, ("affect.rmse", "affect.rmse.valence", "probe.accuracy")))
    assert not any(map(lower_is_better, ("affect.ccc", "affect.sagr.valence", "expression.accuracy", "affect.pcc")))


def test_continuous_figures_use_annotated_cells_only() -> None:
    truth = np.array([[0.1, 0.0], [0.5, 0.0], [0.3, 0.0]])
    values = truth + np.array([[0.3, 0.0], [0.3, 0.0], [9.0, 0.0]])
    mask = np.array([[True, False], [True, False], [False, False]])
    found = of_continuous(values, truth, mask, AFFECT.labels)
    assert found["rmse.valence"] == pytest.approx(0.3)
    assert found["ccc.valence"] == pytest.approx(2 * 0.04 / (0.04 + 0.04 + 0.09)) == pytest.approx(found["ccc"])
    assert found["pcc.valence"] == found["pcc"] == pytest.approx(1)
    assert found["sagr.valence"] == found["sagr"] == 1
    assert set(found) == {name for figure in CONTINUOUS for name in (figure, f"{figure}.valence")}
    assert of_continuous(values, truth, np.zeros_like(mask), AFFECT.labels) == {}


def test_figures_name_the_task_and_leave_out_tasks_without_labels() -> None:
    n = 4
    outputs = {"expression": np.eye(7)[:n], "action_units": np.full((n, 17), 0.9), "affect": np.zeros((n, 2))}
    labels = {"expression": np.array([0, 1, 2, 0]), "action_units": np.ones((n, 17)), "affect": np.zeros((n, 2))}
    mask = {
        "expression": np.array([True, True, False, True]),
        "action_units": np.ones((n, 17), bool),
        "affect": np.zeros((n, 2), bool),
    }
    found = metrics(outputs, labels, mask, FACE)
    assert found["expression.accuracy"] == pytest.approx(2 / 3)
    assert found["action_units.f1"] == 1
    assert not any(name.startswith("affect") for name in found)
    assert metrics({}, labels, mask, (EXPRESSION,)) == {}
