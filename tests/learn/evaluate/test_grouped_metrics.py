"""Sums give the figures that scikit-learn counts, and missed rows are errors."""

import numpy as np
import pyarrow as pa
import pytest

from mien.learn.evaluate import metrics as counted
from mien.learn.evaluate.grouped_metrics import metrics, sums
from mien.learn.evaluate.judge import judge
from mien.learn.evaluate.predictions import Predictions
from mien.tasks import Kind, Task

CLASSES = Task("kind", Kind.CLASSES, ("a", "b", "c", "d"), ("",) * 4)
PARTS = Task("parts", Kind.ATTRIBUTES, ("x", "y", "z", "hue=red", "hue=blue"), ("",) * 5)
VALUES = Task("values", Kind.CONTINUOUS, ("v", "w"), ("", ""))
TASKS = (CLASSES, PARTS, VALUES)


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


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("labelled", [0.7, 0.1, 1.0])
def test_sums_agree_with_scikit_learn(seed: int, labelled: float) -> None:
    found = predictions(seed, labelled=labelled)
    oracle = counted.metrics(found.outputs, found.labels, found.mask, TASKS)
    assert judge(found) == pytest.approx({"faces": 40.0, **oracle}, abs=1e-12)


def test_sums_of_groups_add_up_and_weigh_like_repeated_rows() -> None:
    found, members = predictions(0), np.arange(40) % 3
    times = np.array([2.0, 0.0, 1.0])
    rows = np.concatenate([np.flatnonzero(members == 0)] * 2 + [np.flatnonzero(members == 2)])
    for task in TASKS:
        table = sums(found, task, members, 3)
        weighed = metrics(task, (times @ table.toarray())[None])
        oracle = counted.metrics(
            {task.name: found.outputs[task.name][rows]},
            {task.name: found.labels[task.name][rows]},
            {task.name: found.mask[task.name][rows]},
            (task,),
        )
        kept = {f"{task.name}.{name}": float(value[0]) for name, value in weighed.items() if not np.isnan(value[0])}
        assert kept == pytest.approx(oracle, abs=1e-9)


def test_constant_predictions_have_no_concordance() -> None:
    found = predictions(1)
    found.outputs["values"][:] = 0.3
    figures_ = judge(found)
    assert figures_["values.ccc"] == figures_["values.pcc"] == 0
    assert figures_["values.rmse.v"] > 0


def test_nothing_labelled_is_no_figure() -> None:
    assert judge(predictions(0, labelled=0.0)) == {"faces": 40.0}


def test_missed_rows_are_errors_by_hand() -> None:
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
    figures_ = judge(found)
    assert figures_["kind.accuracy"] == pytest.approx(1 / 3)
    assert figures_["kind.recall.a"] == pytest.approx(1 / 3)
    assert figures_["kind.f1_present"] == pytest.approx(2 / 4)  # guessed once, true three times
    assert figures_["parts.f1.x"] == pytest.approx(2 / 3)  # one found, one overlooked, no false alarm
    assert figures_["parts.f1.y"] == 0
    assert figures_["parts.total_accuracy"] == pytest.approx(4 / 15)
    assert figures_["parts.group_accuracy.hue"] == pytest.approx(1 / 2)
    assert figures_["values.sagr.v"] == pytest.approx(1 / 3)
    assert figures_["values.rmse.w"] == pytest.approx(1)
