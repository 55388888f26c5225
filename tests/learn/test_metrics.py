"""Figures against scikit-learn, against sums by hand, and where there is little to count."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from mien.learn.metrics import concordance, figures, of_attributes, of_classes, of_continuous
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


def test_attributes_without_positives_or_without_annotations() -> None:
    truth, mask = np.zeros((3, 3)), np.ones((3, 3), bool)
    mask[:, 2] = False
    probabilities = np.array([[0.1, 0.9, 0.9]] * 3)
    found = of_attributes(probabilities, truth, mask, ("quiet", "false", "unknown"))
    assert found == {"f1": 0, "accuracy": 0.5, "f1.quiet": 0, "f1.false": 0}
    assert of_attributes(probabilities, truth, np.zeros((3, 3), bool), ("a", "b", "c")) == {}


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


def test_continuous_figures_use_annotated_cells_only() -> None:
    truth = np.array([[0.1, 0.0], [0.5, 0.0], [0.3, 0.0]])
    values = truth + np.array([[0.3, 0.0], [0.3, 0.0], [9.0, 0.0]])
    mask = np.array([[True, False], [True, False], [False, False]])
    found = of_continuous(values, truth, mask, AFFECT.labels)
    assert found["rmse.valence"] == pytest.approx(0.3)
    assert found["ccc.valence"] == pytest.approx(2 * 0.04 / (0.04 + 0.04 + 0.09)) == pytest.approx(found["ccc"])
    assert set(found) == {"ccc", "ccc.valence", "rmse.valence"}
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
    found = figures(outputs, labels, mask, FACE)
    assert found["expression.accuracy"] == pytest.approx(2 / 3)
    assert found["action_units.f1"] == 1
    assert not any(name.startswith("affect") for name in found)
    assert figures({}, labels, mask, (EXPRESSION,)) == {}
