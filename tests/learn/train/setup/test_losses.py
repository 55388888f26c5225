"""What the trainer makes of a recipe and its data before the first step, and what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.recipe import RecipeError, parse
from mien.learn.train.trainer import Trainer
from mien.tasks import EXPRESSION

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


def test_an_unknown_figure_to_select_by_is_refused(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no metric expression\.acuracy; did you mean expression\.accuracy\?"):
        trainer(plain_recipe(epochs=1, select="expression.acuracy"), tmp_path)


def test_left_out_the_first_labelled_task_is_judged(plain_recipe: Recipes, tmp_path: Path) -> None:
    assert trainer(plain_recipe(), tmp_path).run.select == "expression.accuracy"
    assert trainer(plain_recipe(tasks=["action_units", "affect"]), tmp_path).run.select == "action_units.f1"
    assert trainer(plain_recipe(tasks=["affect"]), tmp_path).run.select == "affect.ccc"


def test_labels_that_nothing_teaches_are_named(plain_recipe: Recipes, tmp_path: Path) -> None:
    alone = trainer(plain_recipe(), tmp_path).run.untaught
    assert {"anger", "AU04", "arousal"} <= set(alone)
    assert not {"happiness", "AU12", "valence"} & set(alone)
    assert trainer(plain_recipe(couplings=["DistributionMatching"]), tmp_path).run.untaught == ["AU14", "arousal"]
    untaught = trainer(plain_recipe(couplings=["AffectMatching"]), tmp_path).run.untaught
    assert "AU04" in untaught
    assert not {"anger", "arousal"} & set(untaught)


def test_tasks_can_be_left_out(plain_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(plain_recipe(tasks=["affect", "expression"]), tmp_path)
    assert [task.name for task in run.run.tasks] == ["affect", "expression"]
    assert set(run.train_step(0)) == {"affect", "expression"}


def test_batch_size_is_divided_among_the_sets_that_give_no_size(
    easy: Path, plain_recipe: Recipes, tmp_path: Path
) -> None:
    parts = [{"manifest": str(easy), "size": 3}, {"manifest": str(easy)}, {"manifest": str(easy), "split": "valid"}]
    run = trainer(plain_recipe(data=parts, batch_size=12), tmp_path)
    assert [part.size for part in run.mixing.sets] == [3, 8, 4]


def test_tasks_without_the_coupled_ones_are_refused_in_a_line(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="the couplings need the task expression"):
        trainer(plain_recipe(tasks=["affect"], couplings=["DistributionMatching"]), tmp_path)


def test_a_network_that_cannot_be_built_is_refused_in_a_line(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="detail 50: must divide 112"):
        trainer(plain_recipe(network={"FaceBehaviorNet": {"detail": 50}}), tmp_path)


def test_a_sharing_that_does_not_fit_is_refused_by_its_own_key(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^sharing: TaskRouting: sharing must be in \[0, 1\], not 2\.0$"):
        trainer(plain_recipe(sharing={"TaskRouting": {"sharing": 2}}), tmp_path)


def test_a_coupling_that_would_hide_another_is_refused(plain_recipe: Recipes, tmp_path: Path) -> None:
    twice = [{"DistributionMatching": {"reading": "kl"}}, {"DistributionMatching": {"reading": "soft_target"}}]
    with pytest.raises(RecipeError, match="couplings: duplicate loss distribution_matching"):
        trainer(plain_recipe(couplings=twice), tmp_path)


def test_a_prior_of_affect_is_inferred_from_the_training_rows(
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
