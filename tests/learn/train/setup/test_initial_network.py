"""The network before training: what cannot be built is refused by its key."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fixtures.shop import TASKS
from mien.learn.checkpoint import load_network, read_card
from mien.learn.data.manifest import read_manifest
from mien.learn.recipe import RecipeError, parse
from mien.learn.train.trainer import Trainer

Recipes = Callable[..., dict[str, Any]]


def trainer(data: dict[str, Any], folder: Path) -> Trainer:
    return Trainer.of(parse(data), folder)


def test_an_invalid_network_is_refused(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="detail 50: must divide 112"):
        trainer(plain_recipe(network={"FaceBehaviorNet": {"detail": 50}}), tmp_path)


def test_an_invalid_sharing_is_refused(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^sharing: TaskRouting: sharing must be in \[0, 1\], not 2\.0$"):
        trainer(plain_recipe(sharing={"TaskRouting": {"sharing": 2}}), tmp_path)


def test_a_network_of_features_is_loaded_back(shop_recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    run = trainer(shop_recipe(couplings=["DistributionMatching"]), tmp_path)
    run.train()
    network, card = load_network(tmp_path / "last")
    inputs = torch.from_numpy(read_manifest(shop).images(np.arange(5)))
    run.bare.eval()
    with torch.inference_mode():
        for task in TASKS:
            assert torch.equal(network(inputs)[task.name], run.bare(inputs)[task.name])
    assert card["relatedness"] == [json.loads(json.dumps(table.to_dict())) for table in run.run.relatedness]
    assert read_card(tmp_path / "last")["preprocessing"]["shape"] == [16]
