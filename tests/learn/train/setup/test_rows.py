"""Rows: tasks, sizes, folds, shares of labels, and how sets are mixed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.shop import GARMENT
from mien.learn.recipe import RecipeError, parse
from mien.learn.train.trainer import Trainer
from mien.tasks import Kind, Task

Recipes = Callable[..., dict[str, Any]]


def trainer(data: dict[str, Any], folder: Path) -> Trainer:
    return Trainer.of(parse(data), folder)


def test_tasks_can_be_left_out(plain_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(plain_recipe(tasks=["affect", "expression"]), tmp_path)
    assert [task.name for task in run.run.tasks] == ["affect", "expression"]
    assert set(run.train_step(0)) == {"affect", "expression"}


def test_batch_size_is_divided_among_sets_without_a_size(easy: Path, plain_recipe: Recipes, tmp_path: Path) -> None:
    parts = [{"manifest": str(easy), "size": 3}, {"manifest": str(easy)}, {"manifest": str(easy), "split": "valid"}]
    run = trainer(plain_recipe(data=parts, batch_size=12), tmp_path)
    assert [part.size for part in run.mixing.sets] == [3, 8, 4]


def test_folds_need_a_set_to_divide(shop_recipe: Recipes, shop: Path, easy: Path, tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError,
        match=r"of the validation \(.* valid\); data has .* all",
    ):
        trainer(shop_recipe(validation={"manifest": str(easy), "split": "valid"}), tmp_path)


def test_validation_rows_are_never_trained_on_however_their_path_is_written(
    shop_recipe: Recipes, shop: Path, tmp_path: Path
) -> None:
    place = {"manifest": str(shop), "split": "all"}
    written_otherwise = {**place, "manifest": str(shop / "manifest.parquet")}
    data = [{**place, "tasks": ["garment", "details"]}, {**written_otherwise, "tasks": ["colours"]}]
    run = trainer(shop_recipe(data=data, validation=[place, place]), tmp_path)
    trained = {int(row) for part in run.mixing.sets for row in part.manifest.table["crop"].to_numpy()}
    judged = {int(row) for part in run.run.validation for row in part.table["crop"].to_numpy()}
    assert len(trained) == len(judged) == 100
    assert not trained & judged


def test_labels_that_a_set_does_not_have_are_refused(
    shop_recipe: Recipes, shop: Path, tmp_path: Path, make_set: Any
) -> None:
    place = {"manifest": str(shop), "split": "all"}
    with pytest.raises(
        RecipeError, match=r"data\.0\.keep: the set contributes no labels of colours; known: garment, details"
    ):
        trainer(shop_recipe(data=[{**place, "tasks": ["garment", "details"], "keep": {"colours": 0.5}}]), tmp_path)
    other = make_set(tmp_path / "other", [{"garment": "coat"}] * 3, np.zeros((3, 16), np.float32), (GARMENT,))
    with pytest.raises(RecipeError, match=r"data\.1\.tasks: .*other.* has no task colours"):
        trainer(shop_recipe(data=[place, {"manifest": str(other), "tasks": ["colours"]}]), tmp_path)


def test_the_trained_task_is_balanced(shop_recipe: Recipes, make_set: Callable[..., Path], tmp_path: Path) -> None:
    """Its set has another classification task before it, which is even."""
    even, odd = (Task(name, Kind.CLASSES, tuple(labels), ("",) * 2) for name, labels in (("even", "ab"), ("odd", "xy")))
    rows = [{"split": "all", "even": "ab"[row % 2], "odd": "xy"[row % 10 == 0]} for row in range(100)]
    place = make_set(tmp_path / "set", rows, np.zeros((100, 4), np.float32), (even, odd))
    part = {"manifest": str(place), "split": "all"}
    changes = {"validation": part, "fold": None, "relatedness": [], "tasks": ["odd"]}
    run = trainer(shop_recipe(data=[{**part, "balance": 1, "tasks": ["odd"]}], **changes), tmp_path / "run")
    assert len(run.mixing.sets[0].rows) == 90 + 9 * 10


@pytest.mark.parametrize(
    ("mixing", "temperature"), [({"by": "proportional"}, 1), ({"by": "temperature", "temperature": 4}, 4)]
)
def test_sets_can_be_drawn(
    mixing: dict[str, Any], temperature: float, shop_recipe: Recipes, shop: Path, tmp_path: Path
) -> None:
    data = [{"manifest": str(shop), "split": "all"}] * 2
    run = Trainer.of(parse(shop_recipe(mixing=mixing, data=data)), tmp_path)
    assert getattr(run.mixing.plan, "temperature", None) == temperature
    assert run.mixing.steps_per_epoch == 5  # 200 rows outside the fold, in steps of 40
    assert all(len(run.mixing.batch(step)) == 40 for step in range(6))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mixing": {"by": "temperature"}}, "mixing: .*temperature is required by, and only by"),
        ({"mixing": {"temperature": 2}}, "temperature is required by, and only by"),
        ({"mixing": {"by": "chance"}}, "mixing.by"),
        ({"mixing": {"by": "temperature", "temperature": 0}}, "mixing.temperature"),
    ],
)
def test_a_wrong_mixture_is_refused(changes: dict[str, Any], reason: str, shop_recipe: Recipes) -> None:
    with pytest.raises(RecipeError, match=reason):
        parse(shop_recipe(**changes))


def test_drawn_sets_have_no_size(shop_recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    data = [{"manifest": str(shop), "split": "all", "size": 5}]
    with pytest.raises(RecipeError, match=r"data\.0\.size: mixing\.by: proportional draws the sizes; remove this key"):
        Trainer.of(parse(shop_recipe(data=data, mixing={"by": "proportional"})), tmp_path)
