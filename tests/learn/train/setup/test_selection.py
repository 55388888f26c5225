"""The metric that selects the best checkpoint."""

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


def test_an_unknown_metric_is_refused(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no metric expression\.acuracy; did you mean expression\.accuracy\?"):
        trainer(plain_recipe(epochs=1, select="expression.acuracy"), tmp_path)


def test_the_default_is_the_headline_of_the_first_labelled_task(plain_recipe: Recipes, tmp_path: Path) -> None:
    assert trainer(plain_recipe(), tmp_path).run.select == "expression.accuracy"
    assert trainer(plain_recipe(tasks=["action_units", "affect"]), tmp_path).run.select == "action_units.f1"
    assert trainer(plain_recipe(tasks=["affect"]), tmp_path).run.select == "affect.ccc"


def test_several_validations_are_evaluated_together(shop_recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    place = {"manifest": str(shop), "split": "all"}
    judged = trainer(shop_recipe(validation=[place, place], fold=None), tmp_path).validate()
    once = trainer(shop_recipe(validation=place, fold=None), tmp_path).validate()
    assert judged["faces"] == 400
    assert judged["garment.accuracy"] == pytest.approx(once["garment.accuracy"])


def test_validation_rows_have_the_tasks_and_inputs_of_the_training(
    shop_recipe: Recipes, tmp_path: Path, make_set: Callable[..., Path]
) -> None:
    def judged_by(name: str, task: Task, width: int) -> dict[str, Any]:
        folder = make_set(tmp_path / name, [{"garment": "coat"}], np.zeros((1, width), np.float32), (task,))
        return shop_recipe(fold=None, validation={"manifest": str(folder), "split": "train"})

    more = Task("garment", Kind.CLASSES, (*GARMENT.labels, "hat"), ("",) * 4)
    with pytest.raises(
        RecipeError, match=r"validation: .*more.*: task garment differs from the one in the training data"
    ):
        trainer(judged_by("more", more, 16), tmp_path)
    with pytest.raises(RecipeError, match=r"network: reads inputs of 16; .*short.* holds 15"):
        trainer(judged_by("short", GARMENT, 15), tmp_path)
