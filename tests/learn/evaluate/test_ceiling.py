"""The ceiling of a relatedness, on labels for which it is known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.cli.app import app
from mien.learn.evaluate.ceiling import ATTRIBUTES, BLIND, CLASSES, ceiling, posterior
from mien.tasks import Kind, Task

KINDS = Task("kind", Kind.CLASSES, ("a", "b", "c"), ("",) * 3)
TRAITS = Task("traits", Kind.ATTRIBUTES, ("x", "y"), ("",) * 2)


def test_the_posterior_is_bayes_rule_cell_by_cell() -> None:
    weights, prior = np.array([[0.9, 0.2], [0.4, 0.5], [0.1, 0.7]]), np.array([0.5, 0.3, 0.2])
    values = np.array([[1, 0], [1, np.nan], [np.nan, np.nan]], np.float32)
    for row, found in zip(values, posterior(weights, prior, values), strict=True):
        joint = []
        for c in range(3):
            likelihood = prior[c]
            for i in range(2):
                if not np.isnan(row[i]):
                    likelihood *= weights[c, i] if row[i] == 1 else 1 - weights[c, i]
            joint.append(likelihood)
        assert found == pytest.approx(np.array(joint) / sum(joint))


def test_attributes_that_follow_from_the_class_are_predicted_without_error() -> None:
    index = np.arange(90).astype(np.float32) % 3
    values = np.stack([index == 0, index == 1], 1).astype(np.float32)
    found = ceiling(KINDS, TRAITS, index, values)
    assert found[CLASSES]["accuracy"] == found[ATTRIBUTES]["accuracy"] == found[ATTRIBUTES]["f1"] == 1
    assert found[BLIND]["f1"] == 0
    assert all("faces" not in metrics for metrics in found.values())
    assert found[BLIND]["accuracy"] == pytest.approx(2 / 3, abs=0.05)


def test_attributes_that_are_independent_of_the_class_predict_nothing() -> None:
    draw = np.random.default_rng(0)
    index = draw.integers(0, 3, 3000).astype(np.float32)
    values = (draw.random((3000, 2)) < 0.3).astype(np.float32)
    found = ceiling(KINDS, TRAITS, index, values, times=2)
    assert found[CLASSES]["accuracy"] == pytest.approx(1 / 3, abs=0.04)
    assert found[ATTRIBUTES]["accuracy"] == pytest.approx(found[BLIND]["accuracy"], abs=1e-9)


def test_rows_without_both_labels_do_not_matter() -> None:
    draw = np.random.default_rng(1)
    index = draw.integers(0, 3, 60).astype(np.float32)
    values = (draw.random((60, 2)) < 0.3).astype(np.float32)
    more = np.concatenate([index, np.full(9, np.nan, np.float32), index[:9]])
    wider = np.concatenate([values, values[:9], np.full((9, 2), np.nan, np.float32)])
    assert ceiling(KINDS, TRAITS, more, wider) == ceiling(KINDS, TRAITS, index, values)


def test_the_command(make_set: Callable[..., Path], tmp_path: Path) -> None:
    rows = [{"kind": "abc"[row % 3], "x": float(row % 3 == 0), "y": float(row % 3 == 1)} for row in range(24)]
    folder = make_set(tmp_path / "set", rows, np.zeros((24, 8, 8, 1), np.uint8), (KINDS, TRAITS))
    options = [str(folder), "--classes", "kind", "--attributes"]
    printed = CliRunner().invoke(app, ["relatedness", "ceiling", *options, "traits"])
    assert printed.exit_code == 0
    assert "classes from attributes\t1.0000" in printed.output
    refused = CliRunner().invoke(app, ["relatedness", "ceiling", *options, "trait"])
    assert refused.exit_code == 2
    assert "trait" in refused.output
