"""A few rows of each class: how many, which ones, and the message if there are too few."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import ManifestError, read_manifest
from mien.learn.data.manifest.shots import counted_by, few, scarce, shots_of
from mien.learn.recipe import RecipeError, parse
from mien.learn.train.setup.rows import missing_shots, select_rows
from mien.tasks import AFFECT, COMPOUND, EXPRESSION, FACE

LABELS = np.array([0, 0, 0, 0, 1, 1, np.nan, 2, 2, 2, 2, 2], np.float32)

Recipes = Callable[..., dict[str, Any]]


def test_n_rows_of_each_class_or_all_of_a_smaller_class() -> None:
    for seed in range(5):
        found = few(LABELS, 3, seed)
        assert list(found) == sorted(set(found))
        assert [int((LABELS[found] == index).sum()) for index in range(3)] == [3, 2, 3]
    assert len(few(np.array([np.nan, np.nan]), 3, 0)) == 0


def test_the_seed_decides_and_fewer_shots_are_a_subset() -> None:
    assert np.array_equal(few(LABELS, 2, 4), few(LABELS, 2, 4))
    assert len({tuple(few(LABELS, 1, seed)) for seed in range(10)}) > 3
    for seed in range(5):
        assert set(few(LABELS, 1, seed)) < set(few(LABELS, 2, seed)) < set(few(LABELS, 4, seed))


def test_every_row_of_a_class_is_equally_likely() -> None:
    drawn = np.bincount(np.concatenate([few(LABELS, 1, seed) for seed in range(2000)]), minlength=12)
    assert drawn[6] == 0
    assert drawn[:4] == pytest.approx([500] * 4, rel=0.2)
    assert drawn[7:] == pytest.approx([400] * 5, rel=0.2)


def test_the_task_whose_classes_are_counted() -> None:
    tasks = (EXPRESSION, AFFECT, COMPOUND)
    assert counted_by(tasks, None, None) is EXPRESSION
    assert counted_by(tasks, None, ["affect", "compound", "expression"]) is COMPOUND
    assert counted_by(tasks, ["compound", "expression"], ["affect"]) is COMPOUND
    assert counted_by(tasks, ["affect"], ["expression"]) is None


def test_classes_with_too_few_rows_are_named() -> None:
    assert scarce(np.repeat(np.arange(7.0), 3), EXPRESSION, 3) is None
    labels = np.array([0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6], float)
    assert scarce(labels, EXPRESSION, 2) == "fewer than 2 rows per class of expression: fear 1"


def test_a_manifest_without_a_label_is_refused(make_set: Callable[..., Path], tmp_path: Path) -> None:
    rows = [{"expression": None, "valence": 0.5}]
    manifest = read_manifest(make_set(tmp_path / "set", rows, np.zeros((1, 8, 8, 3), np.uint8), FACE))
    with pytest.raises(ManifestError, match="no row has a label of expression, so 2 per class cannot be drawn"):
        shots_of(manifest, EXPRESSION, 2, 0)


def test_a_recipe_trains_on_its_shots(easy: Path, plain_recipe: Recipes) -> None:
    recipe = parse(plain_recipe(data=[{"manifest": str(easy), "shots": 3, "balance": 1, "keep": {"affect": 0.5}}]))
    training, validation = select_rows(recipe)
    labels = training[0].table["expression"].to_pylist()
    assert sorted(labels) == sorted(["neutral", "happiness", "surprise"] * 3)
    assert len(validation[0]) == 24
    other = select_rows(recipe.model_copy(update={"seed": 1}))[0][0]
    assert other.table["path"].to_pylist() != training[0].table["path"].to_pylist()
    (line,) = missing_shots(recipe, training)
    assert line == "data.0.shots: fewer than 3 rows per class of expression: sadness 0, fear 0, anger 0, disgust 0"


def test_a_fold_is_cut_out_before_the_shots_are_drawn(easy: Path, plain_recipe: Recipes) -> None:
    place = {"manifest": str(easy), "split": "train"}
    recipe = parse(plain_recipe(data=[place | {"shots": 2}], validation=place, fold={"index": 0}))
    training, validation = select_rows(recipe)
    assert len(training[0]) == 6
    assert len(validation[0]) == 24
    assert not set(training[0].table["path"].to_pylist()) & set(validation[0].table["path"].to_pylist())


def test_a_set_without_classes_has_no_shots(easy: Path, plain_recipe: Recipes) -> None:
    recipe = parse(plain_recipe(data=[{"manifest": str(easy), "shots": 2, "tasks": ["affect"]}]))
    with pytest.raises(RecipeError, match=r"data\.0\.shots: the set has no classification task to count by"):
        select_rows(recipe)
