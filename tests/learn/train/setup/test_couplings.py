"""Couplings: where their tables come from, and their terms."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.shop import DETAILS, GARMENT
from mien.learn.checkpoint import read_card
from mien.learn.recipe import RecipeError, parse
from mien.learn.train.trainer import Trainer
from mien.relatedness.table import Relatedness
from mien.tasks import EXPRESSION

Recipes = Callable[..., dict[str, Any]]


def trainer(data: dict[str, Any], folder: Path) -> Trainer:
    return Trainer.of(parse(data), folder)


def test_an_inferred_table_is_counted_in_the_training_rows(shop_recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    run = trainer(shop_recipe(couplings=["DistributionMatching"]), tmp_path)
    rows = run.mixing.sets[0].manifest
    assert len(rows) + len(run.run.validation[0]) == 200
    garment, details = rows.column(GARMENT), rows.column(DETAILS)
    (table,) = run.run.relatedness
    for row in range(3):
        for column in range(3):
            known = (garment == row) & ~np.isnan(details[:, column])
            assert table.weights[row, column] == pytest.approx(details[known, column].mean())


def test_hidden_labels_are_not_counted(shop_recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    data = [{"manifest": str(shop), "split": "all", "keep": {"details": 0.3}}]
    coupled = ["DistributionMatching"]
    few = trainer(shop_recipe(data=data, couplings=coupled), tmp_path).run.relatedness[0].support
    every = trainer(shop_recipe(couplings=coupled), tmp_path).run.relatedness[0].support
    assert few is not None
    assert every is not None
    assert 0 < few.sum() < 0.6 * every.sum()


def test_a_table_from_a_file(shop_recipe: Recipes, tmp_path: Path) -> None:
    table = Relatedness.from_table(GARMENT, DETAILS, {"shirt": ["collar"]}, {"coat": {"hood": 0.4}}, "a catalogue")
    for name in ("table.json", "table.csv"):
        table.save(tmp_path / name)
        (read,) = trainer(
            shop_recipe(relatedness=str(tmp_path / name), couplings=["DistributionMatching"]), tmp_path
        ).run.relatedness
        assert read.to_dict() == table.to_dict()
    with pytest.raises(RecipeError, match=r"relatedness: .*none\.json"):
        trainer(shop_recipe(relatedness="none.json", couplings=["DistributionMatching"]), tmp_path)


def test_an_ambiguous_task_is_refused(shop_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"relatedness\.attributes: name one of the tasks of attributes \(details"):
        trainer(shop_recipe(relatedness="inferred", couplings=["DistributionMatching"]), tmp_path)


def test_several_pairs_have_terms_of_their_own(shop_recipe: Recipes, tmp_path: Path) -> None:
    both = [{"attributes": "details"}, {"attributes": "colours"}]
    terms = ("distribution_matching/garment-details", "distribution_matching/garment-colours")
    weights = {"distribution_matching": 0.25, terms[1]: 0.0}
    run = trainer(shop_recipe(relatedness=both, couplings=["DistributionMatching"], weights=weights), tmp_path)
    assert [run.objective.lambdas.weights[term] for term in terms] == [0.25, 0.0]
    assert {"garment", "details", "colours", *terms} == set(run.train_step(0))


def test_a_table_without_couplings_is_not_stored(shop_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(shop_recipe(epochs=1), tmp_path)
    run.train()
    assert run.run.relatedness == ()
    assert read_card(tmp_path / "last")["relatedness"] == []


def test_couplings_without_a_table_are_refused(shop_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="relatedness: DistributionMatching needs a table"):
        trainer(shop_recipe(relatedness=[], couplings=["DistributionMatching"]), tmp_path)


def test_couplings_need_their_tasks(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="the couplings need the task expression"):
        trainer(plain_recipe(tasks=["affect"], couplings=["DistributionMatching"]), tmp_path)


def test_an_affect_prior_is_inferred_from_the_training_rows(
    plain_recipe: Recipes, make_set: Callable[..., Path], tmp_path: Path
) -> None:
    draw = np.random.default_rng(0)
    rows = [
        {"expression": label, "valence": draw.uniform(-1, 0), "arousal": draw.uniform(0, 1), "split": split}
        for label in EXPRESSION.labels
        for split in ["train"] * 12 + ["valid"]
    ]
    folder = make_set(tmp_path / "set", rows, np.zeros((len(rows), 112, 112, 1), np.uint8))
    data = {"data": [{"manifest": str(folder)}], "validation": {"manifest": str(folder), "split": "valid"}}
    parts = [{"AffectMatching": {"prior": "inferred"}}]
    run = trainer(plain_recipe(**data, couplings=parts), tmp_path)
    assert {"affect_matching_classes", "affect_matching_affect"} <= set(run.train_step(0))
    (coupled,) = run.run.couplings
    assert coupled.relatedness is None
    with pytest.raises(RecipeError, match="AffectMatching: affect prior: neutral has 0 rows"):
        trainer(plain_recipe(couplings=parts), tmp_path)
    with pytest.raises(RecipeError, match="AffectMatching: no data set has both expression and affect"):
        trainer(plain_recipe(**data, couplings=parts, tasks=["affect"]), tmp_path)
