"""Reliability by hand and against scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.calibration import calibration_curve

from mien.learn.evaluate.predictions import Predictions
from mien.learn.evaluate.reliability import of_task, reliability
from mien.tasks import Kind, Task


def test_by_hand() -> None:
    found = reliability(np.array([0.1, 0.3, 0.9, 1.0]), np.array([False, True, True, False]), bins=2)
    np.testing.assert_allclose(found.probability, [0.2, 0.95])
    np.testing.assert_allclose(found.share, [0.5, 0.5])
    assert found.error == pytest.approx((2 * 0.3 + 2 * 0.45) / 4)


def test_bins_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    probability = generator.random(500)
    positive = generator.random(500) < probability**2
    found = reliability(probability, positive)
    share, mean = calibration_curve(positive, probability, n_bins=15)
    there = found.count > 0
    np.testing.assert_allclose(found.share[there], share)
    np.testing.assert_allclose(found.probability[there], mean)


def test_equal_probabilities_share_a_bin_and_empty_bins_do_not_count() -> None:
    found = reliability(np.full(10, 0.7), np.arange(10) < 5)
    assert found.error == pytest.approx(0.2)
    assert found.to_dict()["count"] == [10]
    assert reliability(np.zeros(0), np.zeros(0, bool)).error == 0


def test_classes_count_by_the_most_probable_one_and_missed_rows_do_not_count() -> None:
    kind = Task("kind", Kind.CLASSES, ("a", "b"), ("", ""))
    parts = Task("parts", Kind.ATTRIBUTES, ("x", "y"), ("", ""))
    values = Task("values", Kind.CONTINUOUS, ("v",), ("",))
    found = Predictions(
        (kind, parts, values),
        {
            "kind": np.array([[0.8, 0.2], [0.6, 0.4], [0, 0]]),
            "parts": np.array([[0.9, 0.5], [0.1, 0.5], [0, 0]]),
            "values": np.zeros((3, 1)),
        },
        {"kind": np.array([0, 1, 0]), "parts": np.array([[1.0, 0], [0, 0], [1, 0]]), "values": np.zeros((3, 1))},
        {
            "kind": np.ones(3, bool),
            "parts": np.array([[True, False]] * 3),
            "values": np.ones((3, 1), bool),
        },
        pa.table({"path": ["a", "b", "c"]}),
        np.array([False, False, True]),
    )
    each = of_task(found, kind)["kind"]
    assert each.count.sum() == 2
    assert each.error == pytest.approx((0.2 + 0.6) / 2)
    assert set(of_task(found, parts)) == {"parts", "x"}  # y has no label
    assert of_task(found, parts)["x"].error == pytest.approx(0.1)
    assert of_task(found, values) == {}
