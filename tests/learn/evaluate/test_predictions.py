"""Predictions of one manifest or several, next to their labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mien.learn.data.manifest import Manifest, ManifestError
from mien.learn.evaluate.predictions import Predictions, predict
from mien.learn.evaluate.score import evaluate, score
from mien.tasks import AFFECT, EXPRESSION

TASKS = (EXPRESSION, AFFECT)


def manifest(**columns: object) -> Manifest:
    count = len(next(iter(columns.values())))  # type: ignore[call-overload]
    table = pa.table({"path": [f"{row}.png" for row in range(count)], "crop": np.arange(count), **columns})
    return Manifest(Path("m.parquet"), table, np.arange(count * 2, dtype=np.float32).reshape(-1, 2), TASKS, {})


def echo(features: np.ndarray) -> dict[str, np.ndarray]:
    return {"expression": np.eye(7, dtype=np.float32)[features[:, 0].astype(int) % 7], "affect": features / 10}


def test_rows_outputs_and_labels_belong_together() -> None:
    given = manifest(
        expression=["neutral", None, "anger"],
        valence=[0.5, None, None],
        subject=["a", "a", "b"],
        arousal=[0.0, 1.0, 0.0],
    )
    found = predict(echo, TASKS, given, size=2)
    assert len(found) == 3
    assert not found.missed.any()
    np.testing.assert_array_equal(found.outputs["affect"], given.crops / 10)
    np.testing.assert_array_equal(found.labels["expression"], [0, 0, 4])
    np.testing.assert_array_equal(found.mask["expression"], [True, False, True])
    np.testing.assert_array_equal(found.mask["affect"], [[True, True], [False, True], [False, True]])
    assert found.rows["subject"].to_pylist() == ["a", "a", "b"]
    assert score(found) == evaluate(echo, TASKS, given)


def test_several_manifests_are_stacked_without_contradicting_columns() -> None:
    first, second = manifest(valence=[0.5], subject=["a"], camera=[3]), manifest(subject=["b", "c"], camera=["x", "y"])
    found = predict(echo, TASKS, first, second)
    assert found.rows["subject"].to_pylist() == ["a", "b", "c"]
    assert "camera" not in found.rows.column_names
    assert found.rows["valence"].to_pylist() == [0.5, None, None]
    np.testing.assert_array_equal(found.mask["affect"][:, 0], [True, False, False])


def test_inputs_that_the_network_cannot_read_are_named() -> None:
    def refuse(features: np.ndarray) -> dict[str, np.ndarray]:
        raise ValueError("wants pictures")

    with pytest.raises(ManifestError, match=r"m.parquet: the network cannot read its inputs \(wants pictures"):
        predict(refuse, TASKS, replace(manifest(valence=[0.5]), metadata={}))


def test_a_row_without_any_class_has_no_guess() -> None:
    outputs = {EXPRESSION.name: np.eye(7, dtype=np.float32)[[2, 0, 5]]}
    outputs[EXPRESSION.name][1] = 0  # such as contempt, of a tool
    rows = pa.table({"path": ["a", "b", "c"]})
    labels = {EXPRESSION.name: np.array([2, 0, 5])}
    mask = {EXPRESSION.name: np.ones(3, bool)}
    found = Predictions((EXPRESSION,), outputs, labels, mask, rows, np.array([False, False, True]))
    assert found.guess(EXPRESSION).tolist() == [2, -1, -1]
