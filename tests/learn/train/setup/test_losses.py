"""Losses, their weights, and the balancer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fixtures.shop import GARMENT
from mien.learn.recipe import RecipeError, parse
from mien.learn.train.trainer import Trainer

Recipes = Callable[..., dict[str, Any]]


def trainer(data: dict[str, Any], folder: Path) -> Trainer:
    return Trainer.of(parse(data), folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": {"expresion": 1}}, "weights.expresion: no such loss; did you mean expression?"),
        ({"weights": {"co_annotation_classes": 1}}, "weights.co_annotation_classes: no such loss"),
        ({"tasks": ["affekt"]}, "tasks: no manifest has the task affekt; did you mean affect?"),
        ({"couplings": ["CoAnnotation"], "tasks": ["expression"]}, "the couplings need the task action_units"),
    ],
)
def test_a_recipe_that_does_not_fit_the_data_is_refused(
    changes: dict[str, Any], message: str, plain_recipe: Recipes, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        trainer(plain_recipe(**changes), tmp_path)


def test_duplicate_losses_are_refused(plain_recipe: Recipes, tmp_path: Path) -> None:
    twice = [{"DistributionMatching": {"reading": "kl"}}, {"DistributionMatching": {"reading": "soft_target"}}]
    with pytest.raises(RecipeError, match="couplings: duplicate loss distribution_matching"):
        trainer(plain_recipe(couplings=twice), tmp_path)


def test_a_lambda_of_0_gives_no_gradient(shop_recipe: Recipes, tmp_path: Path) -> None:
    weights = dict.fromkeys(("garment", "details", "colours"), 0.0)
    run = trainer(shop_recipe(weights=weights, optimizer={"kind": "sgd", "rate": 1, "weight_decay": 0}), tmp_path)
    before = {name: value.clone() for name, value in run.bare.named_parameters()}
    run.train_step(0)
    assert all(torch.equal(before[name], value) for name, value in run.bare.named_parameters())


def test_a_balancer_names_existing_losses(shop_recipe: Recipes, tmp_path: Path) -> None:
    trainer(shop_recipe(balancing={"UncertaintyWeighting": {"regression": ["details"]}}), tmp_path)
    with pytest.raises(RecipeError, match=r"UncertaintyWeighting: regression: no loss detail; .* details\?"):
        trainer(shop_recipe(balancing={"UncertaintyWeighting": {"regression": ["detail"]}}), tmp_path)


def test_priors_are_those_of_the_batches_with_the_labels_of_teachers(
    shop_recipe: Recipes, make_set: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [{"split": "all", "garment": "shirt"}] * 90 + [{"split": "all", "garment": "coat"}] * 10
    sets = [
        make_set(tmp_path / name, some, np.zeros((len(some), 16), np.float32), (GARMENT,))
        for name, some in (("many", rows[:90]), ("few", rows[90:]))
    ]
    data = [{"manifest": str(place), "split": "all", "size": 5} for place in sets]
    changes: dict[str, Any] = {"validation": data[0] | {"size": None}, "fold": None, "relatedness": []}
    changes["validation"].pop("size")
    run = trainer(shop_recipe(data=data, losses={"garment": "BalancedSoftmax"}, **changes), tmp_path / "run")
    assert run.objective.losses["garment"].prior == pytest.approx((0.5, 0.5, 0))  # type: ignore[attr-defined]
    run.train()
    hidden = [{**part, "keep": {"garment": 0}} for part in data]
    teachers = {"teachers": [str(tmp_path / "run/last")]}
    taught = trainer(
        shop_recipe(data=hidden, losses={"garment": "BalancedSoftmax"}, **teachers, **changes), tmp_path / "on"
    )
    told = np.mean([columns["garment"].mean(0) for columns in taught.mixing.columns], 0)  # both sets alike
    assert taught.objective.losses["garment"].prior == pytest.approx(told)  # type: ignore[attr-defined]
