"""What does not fit an adversary is one line before any training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.learn.caf import Otsu
from mien.learn.recipe import RecipeError, parse
from mien.learn.train.trainer import Trainer

Recipes = Callable[..., dict[str, Any]]


def test_the_radius_is_that_of_the_training_rows(caf_recipe: Recipes, tmp_path: Path) -> None:
    run = Trainer.of(parse(caf_recipe()), tmp_path)
    labels = run.mixing.columns[0]["affect"]
    whole = labels[(labels == labels).all(1)]
    assert len(whole) < len(labels)
    assert run.adversary is not None
    assert run.adversary.radius == Otsu().decision_radius(whole)


@pytest.mark.parametrize(
    ("against", "changes", "message"),
    [
        ({"task": "valence"}, {}, "adversarial.task: no continuous task valence; did you mean affect"),
        ({}, {"tasks": ["expression"], "losses": {}}, r"adversarial.task: name one of .* \(there is none\)"),
        ({"grouping": {"FixedRadius": {"radius": 5.0}}}, {}, r"decision radius 5 0 of \d+ training rows are strong"),
        ({"grouping": {"FixedRadius": {"radius": 1e-9}}}, {}, "both groups need rows"),
        ({"critic": {"ContrastiveCritic": {"outputs": 0}}}, {}, "adversarial.critic: .* all widths must be 1 or more"),
        ({"margin": {"ConstantMargin": {"value": 0.0}}}, {}, "adversarial.margin: .*: value must be above 0"),
        (
            {"critic": "SphereGan", "margin": "ConstantMargin"},
            {},
            "adversarial.margin: SphereGan has no margin; remove this key",
        ),
        ({}, {"sharing": "TaskRouting"}, "adversarial: needs features that all tasks share; with TaskRouting"),
        ({}, {"losses": {"expression": "RmseCorrelation"}}, "losses.expression: the run has no such task"),
        (
            {},
            {"losses": {"expression": "RmseCorrelation"}, "tasks": ["expression", "affect"]},
            "losses.expression: RmseCorrelation is for continuous; expression has classes",
        ),
        ({}, {"select": "affect.rmse.valence"}, "select: lower affect.rmse.valence is better"),
    ],
)
def test_what_does_not_fit_is_refused(
    against: dict[str, Any], changes: dict[str, Any], message: str, caf_recipe: Recipes, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=message):
        Trainer.of(parse(caf_recipe(against, **changes)), tmp_path)


@pytest.mark.parametrize(
    ("against", "message"),
    [
        ({"grouping": "Otsuu"}, "adversarial.grouping: unknown class Otsuu; did you mean Otsu"),
        ({"critic": "Otsu"}, "adversarial.critic: unknown class Otsu"),
        ({"margin": {"AdaptiveMargin": {"cc": 1}}}, "cc: unknown key; did you mean c?"),
        (
            {"order": ["critic", "critic", "regression"]},
            "order: needs each of critic, adversarial and regression once",
        ),
        ({"weight": 0}, "adversarial.weight"),
        ({"forwards": "exact"}, "forwards: unknown key; did you mean forward?"),
    ],
)
def test_a_misspelled_recipe_is_refused(against: dict[str, Any], message: str, caf_recipe: Recipes) -> None:
    with pytest.raises(RecipeError) as refusal:
        parse(caf_recipe(against))
    assert message in str(refusal.value)


def test_a_rate_alone_leaves_the_optimizer_what_it_is(caf_recipe: Recipes) -> None:
    settings = parse(caf_recipe({"optimizer": {"rate": 0.01}})).adversarial
    assert settings is not None
    assert (settings.optimizer.kind, settings.optimizer.rate, settings.optimizer.weight_decay) == ("adam", 0.01, 0.0)
