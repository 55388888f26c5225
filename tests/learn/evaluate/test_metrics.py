"""Metrics against scikit-learn and SciPy, against counts by hand, and where there is little to count."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, root_mean_squared_error

from fixtures import metrics_oracle as oracle
from mien.learn.evaluate.metrics import (
    concordance,
    from_sums,
    group_sums,
    lower_is_better,
    metrics,
    row_sums,
    task_metrics,
)
from mien.learn.evaluate.predictions import Predictions
from mien.learn.evaluate.score import score
from mien.tasks import AFFECT, FACE, Kind, Task

CLASSES = Task("kind", Kind.CLASSES, ("a", "b", "c", "d"), ("",) * 4)
PARTS = Task("parts", Kind.ATTRIBUTES, ("x", "y", "z", "hue=red", "hue=blue"), ("",) * 5)
VALUES = Task("values", Kind.CONTINUOUS, ("v", "w"), ("", ""))
TASKS = (CLASSES, PARTS, VALUES)
CONTINUOUS = ("ccc", "pcc", "sagr", "rmse")


def of_classes(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    return task_metrics(CLASSES, probabilities, truth, np.ones(len(truth), bool))


def of_attributes(
    probabilities: np.ndarray, truth: np.ndarray, mask: np.ndarray, labels: tuple[str, ...]
) -> dict[str, float]:
    task = Task("parts", Kind.ATTRIBUTES, labels, ("",) * len(labels))
    return task_metrics(task, probabilities, truth, mask)


def of_value(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    task = Task("values", Kind.CONTINUOUS, ("v",), ("",))
    found = task_metrics(task, prediction[:, None], truth[:, None], np.ones((len(truth), 1), bool))
    assert all(found[name] == found[f"{name}.v"] for name in CONTINUOUS)
    return found


def predictions(seed: int, n: int = 40, labelled: float = 0.7) -> Predictions:
    generator = np.random.default_rng(seed)
    outputs = {
        "kind": generator.dirichlet(np.ones(4), n),
        "parts": generator.random((n, 5)),
        "values": generator.uniform(-1, 1, (n, 2)),
    }
    mask = {
        "kind": generator.random(n) < labelled,
        "parts": generator.random((n, 5)) < labelled,
        "values": generator.random((n, 2)) < labelled,
    }
    labels = {
        "kind": generator.integers(0, 3, n) * mask["kind"],  # d never occurs
        "parts": (generator.random((n, 5)) < 0.4) * mask["parts"],
        "values": generator.uniform(-1, 1, (n, 2)).round(1) * mask["values"],
    }
    return Predictions(TASKS, outputs, labels, mask, pa.table({"path": ["p"] * n}), np.zeros(n, bool))


def of_oracle(found: Predictions) -> dict[str, float]:
    return oracle.metrics(found.outputs, found.labels, found.mask, found.tasks)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("labelled", [1.0, 0.7, 0.1, 0.03])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_metrics_agree_with_the_oracle(seed: int, labelled: float, dtype: type) -> None:
    found = predictions(seed, labelled=labelled)
    for each in (found.outputs, found.labels):
        for name, values in each.items():
            each[name] = values.astype(dtype) if name != "kind" or each is found.outputs else values  # type: ignore[index]
    expected = of_oracle(found)
    given = metrics(found.outputs, found.labels, found.mask, TASKS)
    assert list(given) == list(expected), "the same names, in the same order, undefined ones absent"
    assert given == pytest.approx(expected, abs=1e-12)
    assert score(found) == {"faces": 40.0, **given}


@pytest.mark.parametrize("name", ["kind", "parts", "values"])
def test_constant_outputs_and_labels_agree_with_the_oracle(name: str) -> None:
    for value in (0.0, 0.1, 0.5, 0.7, 1.0):
        found = predictions(1)
        found.outputs[name][:] = value or (0.25 if name == "kind" else 0)  # all 0 is no class: not the oracle's argmax
        assert metrics(found.outputs, found.labels, found.mask, TASKS) == pytest.approx(of_oracle(found), abs=1e-12)
        found = predictions(1)
        found.labels[name][:] = value if name == "values" else value > 0.6
        assert metrics(found.outputs, found.labels, found.mask, TASKS) == pytest.approx(of_oracle(found), abs=1e-12)


def test_sums_of_groups_weigh_like_repeated_rows() -> None:
    found, members = predictions(0), np.arange(40) % 3
    times = np.array([2.0, 0.0, 1.0])
    rows = np.concatenate([np.flatnonzero(members == 0)] * 2 + [np.flatnonzero(members == 2)])
    for task in TASKS:
        own = found.outputs[task.name], found.labels[task.name], found.mask[task.name]
        table = group_sums(row_sums(task, *own, found.missed), members, 3)
        weighted = from_sums(task, (times @ table.toarray())[None])
        expected = oracle.metrics(*({task.name: each[rows]} for each in own), (task,))  # type: ignore[arg-type]
        kept = {f"{task.name}.{name}": float(value[0]) for name, value in weighted.items() if not np.isnan(value[0])}
        assert kept == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_class_metrics_agree_with_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, probabilities = generator.integers(0, 4, 60), generator.dirichlet(np.ones(4), 60)
    guess = probabilities.argmax(1)
    found = of_classes(probabilities, truth)
    matrix = confusion_matrix(truth, guess, normalize="true")
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, guess))
    assert found["f1"] == pytest.approx(f1_score(truth, guess, average="macro"))
    assert found["mean_recall"] == pytest.approx(matrix.diagonal().mean())
    assert found["afa"] == pytest.approx((found["f1"] + found["accuracy"]) / 2)
    assert [found[f"recall.{name}"] for name in CLASSES.labels] == pytest.approx(matrix.diagonal())


def test_an_absent_class_counts_in_f1_but_not_in_mean_recall() -> None:
    truth = np.array([0, 0, 1, 2])
    probabilities = np.eye(4)[[0, 1, 1, 2]]  # class d neither occurs nor is predicted
    found = of_classes(probabilities, truth)
    assert found["f1"] == pytest.approx((2 / 3 + 2 / 3 + 1 + 0) / 4)
    assert found["f1_present"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert found["mean_recall"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert found["f1_uar"] == pytest.approx((found["f1_present"] + found["mean_recall"]) / 2)
    assert [name for name in found if name.startswith("recall.")] == ["recall.a", "recall.b", "recall.c"]


def test_attributes_have_the_threshold_one_half_and_only_annotated_cells_count() -> None:
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
    means = {"f1": 0, "accuracy": 0.5, "total_accuracy": 0.5, "afa": 0.25}
    assert found == {"faces": 3, **means, "f1.quiet": 0, "f1.false": 0}
    assert of_attributes(probabilities, truth, np.zeros((3, 3), bool), ("a", "b", "c")) == {}


def test_labels_that_are_not_annotated_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    truth, mask = generator.integers(0, 2, (40, 5)).astype(float), generator.random((40, 5)) < 0.6
    probabilities, labels = generator.random((40, 5)), tuple("vwxyz")
    hidden = np.where(mask, truth, 1 - truth)
    assert of_attributes(probabilities, hidden, mask, labels) == of_attributes(probabilities, truth, mask, labels)


def test_an_attribute_without_a_positive_counts_in_f1_but_not_in_f1_present() -> None:
    truth = np.array([[1, 0], [0, 0]], float)
    found = of_attributes(np.array([[0.9, 0.1], [0.1, 0.1]]), truth, np.ones((2, 2), bool), ("seen", "unseen"))
    assert (found["f1"], found["f1_present"], found["accuracy"]) == (0.5, 1, 1)


def test_group_accuracy_is_that_of_the_most_probable_label() -> None:
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
    mask[2, 0] = False  # a group that is only partly annotated does not count
    probabilities = np.full(truth.shape, 0.1)
    probabilities[[0, 1, 2, 3, 4], [0, 3, 3, 0, 3]] = 0.4  # below 0.5, yet the most probable
    probabilities[[0, 1, 2, 3, 4], [4, 5, 5, 4, 4]] = 0.4
    found = of_attributes(probabilities, truth, mask, labels)
    assert found["group_accuracy.sleeve"] == pytest.approx(2 / 3)  # rows 0, 1, 4; row 1 is wrong
    assert found["group_accuracy.neck"] == pytest.approx(2 / 3)  # rows 0, 1, 2; row 2 is wrong
    assert found["group_accuracy"] == pytest.approx(2 / 3)
    assert "group_accuracy.lonely" not in found  # a single label is no choice
    assert not any(name.startswith("group") for name in of_attributes(probabilities, truth, mask, tuple("abcdefg")))


def test_concordance_by_hand() -> None:
    prediction, truth = np.array([0.0, 0.5, 1.0]), np.array([-0.5, 0.0, 0.5])
    assert concordance(prediction, truth) == pytest.approx(2 * (1 / 6) / (1 / 6 + 1 / 6 + 1 / 4))
    assert concordance(truth, truth) == pytest.approx(1)
    assert concordance(-truth, truth) == pytest.approx(-1)
    assert concordance(2 * truth, truth) == pytest.approx(0.8)
    assert of_value(prediction, truth)["ccc"] == concordance(prediction, truth)


@pytest.mark.parametrize("n", [1, 3, 7, 50])
@pytest.mark.parametrize("value", [0.1, 0.0, -0.7])
def test_constants_have_neither_concordance_nor_correlation(n: int, value: float) -> None:
    constant, varied = np.full(n, value, np.float32), np.linspace(-1, 1, n, dtype=np.float32)
    for pair in ((constant, constant), (constant, varied), (varied, constant)):
        assert concordance(*pair) == of_value(*pair)["ccc"] == of_value(*pair)["pcc"] == 0
    assert concordance(constant[:0], constant[:0]) == 0
    assert of_value(constant, constant)["sagr"] == 1
    assert of_value(constant, constant + 1)["rmse"] == pytest.approx(1)


def test_correlation_and_errors_agree_with_scipy_and_scikit_learn() -> None:
    for seed in range(5):
        draw = np.random.default_rng(seed)
        truth = draw.uniform(-1, 1, 40).astype(np.float32)
        prediction = (0.4 * truth + draw.normal(0, 0.3, 40)).astype(np.float32)
        found = of_value(prediction, truth)
        assert found["pcc"] == pytest.approx(stats.pearsonr(prediction, truth).statistic, abs=1e-6)
        assert found["rmse"] == pytest.approx(root_mean_squared_error(truth, prediction))
        assert of_value(3 * prediction - 9, truth)["pcc"] == pytest.approx(found["pcc"], abs=1e-5)
        assert -1 <= of_value(-truth, truth)["pcc"] == pytest.approx(-1)
        assert 1 >= of_value(truth / 3, truth)["pcc"] == pytest.approx(1)


def test_sign_agreement_by_hand() -> None:
    truth = np.array([0.5, -0.5, 0.0, 0.0, 0.3, -0.1])
    prediction = np.array([0.1, 0.5, 0.0, 0.2, 0.0, -0.0001])
    assert of_value(prediction, truth)["sagr"] == pytest.approx(3 / 6)  # the first, both zeros, and the last
    assert of_value(np.array([-0.0]), np.array([0.0]))["sagr"] == 1
    assert of_value(truth, truth)["sagr"] == 1


def test_continuous_metrics_use_annotated_cells_only() -> None:
    truth = np.array([[0.1, 0.0], [0.5, 0.0], [0.3, 0.0]])
    values = truth + np.array([[0.3, 0.0], [0.3, 0.0], [9.0, 0.0]])
    mask = np.array([[True, False], [True, False], [False, False]])
    found = task_metrics(AFFECT, values, truth, mask)
    assert found["rmse.valence"] == pytest.approx(0.3)
    assert found["ccc.valence"] == pytest.approx(2 * 0.04 / (0.04 + 0.04 + 0.09)) == pytest.approx(found["ccc"])
    assert found["pcc.valence"] == found["pcc"] == pytest.approx(1)
    assert found["sagr.valence"] == found["sagr"] == 1
    assert set(found) == {"faces", *(name for metric in CONTINUOUS for name in (metric, f"{metric}.valence"))}
    assert task_metrics(AFFECT, values, truth, np.zeros_like(mask)) == {}


def test_lower_is_better_for_errors_and_for_the_probe() -> None:
    assert all(map(lower_is_better, ("affect.rmse", "affect.rmse.valence", "probe.accuracy")))
    assert not any(map(lower_is_better, ("affect.ccc", "affect.sagr.valence", "expression.accuracy", "affect.pcc")))


def test_metrics_name_the_task_and_skip_tasks_without_labels() -> None:
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
    assert found["expression.faces"] == 3
    assert found["action_units.f1"] == 1
    assert not any(name.startswith("affect") for name in found)


def test_without_labels_there_are_no_metrics() -> None:
    assert score(predictions(0, labelled=0.0)) == {"faces": 40.0}


def test_missed_rows_are_errors() -> None:
    found = Predictions(
        TASKS,
        {"kind": np.tile([0.9, 0.0, 0.0, 0.0], (3, 1)), "parts": np.zeros((3, 5)), "values": np.zeros((3, 2))},
        {
            "kind": np.zeros(3, int),
            "parts": np.array([[1, 0, 0, 1, 0], [0, 0, 0, 0, 0], [1, 0, 0, 1, 0]], float),
            "values": np.array([[0.0, 1], [0, 1], [0, -1]]),
        },
        {"kind": np.ones(3, bool), "parts": np.ones((3, 5), bool), "values": np.ones((3, 2), bool)},
        pa.table({"path": ["a", "b", "c"]}),
        np.array([False, True, True]),
    )
    found.outputs["kind"][1:] = 0  # argmax 0 would be right
    found.outputs["parts"][0, 0] = 0.9
    scores = score(found)
    assert scores["kind.accuracy"] == pytest.approx(1 / 3)
    assert scores["kind.recall.a"] == pytest.approx(1 / 3)
    assert scores["kind.f1_present"] == pytest.approx(2 / 4)  # predicted once, true three times
    assert scores["parts.f1.x"] == pytest.approx(2 / 3)  # one found, one overlooked, no false alarm
    assert scores["parts.f1.y"] == 0
    assert scores["parts.total_accuracy"] == pytest.approx(4 / 15)
    assert scores["parts.group_accuracy.hue"] == pytest.approx(1 / 2)
    assert scores["values.sagr.v"] == pytest.approx(1 / 3)
    assert scores["values.rmse.w"] == pytest.approx(1)
