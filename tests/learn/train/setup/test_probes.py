"""Identity probes: what they need, and the metric that they add."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.learn.recipe import RecipeError, parse
from mien.learn.train.trainer import Trainer

Recipes = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ({"split": "valid", "column": "name"}, "probes.who: .* has no column name to identify people by"),
        ({"split": "valid", "column": "path"}, "probes.who: .* needs two people with 5 or more faces each"),
    ],
)
def test_a_probe_without_persons_is_refused(
    probe: dict[str, str], message: str, caf_recipe: Recipes, affect_vectors: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        Trainer.of(parse(caf_recipe(probes={"who": {"manifest": str(affect_vectors), **probe}})), tmp_path)


def test_a_probe_s_figure_is_logged(caf_recipe: Recipes, affect_vectors: Path, tmp_path: Path) -> None:
    probes = {"who": {"manifest": str(affect_vectors), "split": "valid"}}
    metrics = Trainer.of(parse(caf_recipe(probes=probes, steps=2)), tmp_path).train()
    assert 0 <= metrics["probe.who"] <= 1
    assert not set(metrics) & {"step", "epoch"}
    assert "probe.who" in (tmp_path / "log.csv").read_text()
