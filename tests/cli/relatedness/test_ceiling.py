"""``mien relatedness ceiling``: what it prints, writes and refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from mien.tasks import Kind, Task

KINDS = Task("kind", Kind.CLASSES, ("a", "b", "c"), ("",) * 3)
TRAITS = Task("traits", Kind.ATTRIBUTES, ("x", "y"), ("",) * 2)
Run = Callable[..., Result]


@pytest.fixture
def told(make_set: Callable[..., Path], tmp_path: Path) -> Path:
    """Attributes that say the class in the split train, and nothing about it in the split test."""
    rows = [{"kind": "abc"[row % 3], "x": float(row % 3 == 0), "y": float(row % 3 == 1)} for row in range(24)]
    rows += [{"split": "test", "kind": "abc"[row % 3], "x": 1.0, "y": 0.0} for row in range(24)]
    return make_set(tmp_path / "set", rows, np.zeros((48, 8, 8, 1), np.uint8), (KINDS, TRAITS))


def test_both_directions_are_printed_and_written(run: Run, refused: Callable[..., str], told: Path, tmp_path: Path):
    words = ("ceiling", told, "--classes", "kind", "--attributes", "traits", "--out", tmp_path / "c.json")
    result = run(*words)
    assert result.exit_code == 0
    assert "classes from attributes\t1.0000" in result.output
    assert json.loads((tmp_path / "c.json").read_text())["classes from attributes"]["accuracy"] == 1
    reason = refused("relatedness", *words)
    assert reason == f"{tmp_path / 'c.json'}: already exists (use --overwrite to replace it)"
    other = run(*words, "--overwrite", "--train-split", "test")
    assert other.exit_code == 0
    assert json.loads((tmp_path / "c.json").read_text())["classes from attributes"]["mean_recall"] == pytest.approx(
        1 / 3
    )


def test_an_unknown_task(refused: Callable[..., str], told: Path) -> None:
    reason = refused("relatedness", "ceiling", told, "--classes", "kind", "--attributes", "trait")
    assert "has no task trait; known: kind (classes), traits (attributes)" in reason
