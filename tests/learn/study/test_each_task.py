"""The recipes of single-task networks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import read_manifest
from mien.learn.recipe import RecipeError, parse
from mien.learn.study.each_task import each_task
from mien.learn.train.trainer import Trainer

Plain = Callable[..., dict[str, Any]]


@pytest.fixture
def recipe(plain_study: Plain) -> Callable[..., dict[str, Any]]:
    return lambda **changes: {**plain_study()["recipe"], **changes}


def test_what_needs_other_tasks_is_removed(recipe: Plain, tmp_path: Path) -> None:
    whole = recipe(
        couplings=["DistributionMatching"],
        weights={"distribution_matching": 0.3, "traits": 2.0},
        sharing="TaskRouting",
        select="traits.f1",
    )
    alone = each_task(parse(whole))
    assert list(alone) == ["category", "traits"]
    for name, part in alone.items():
        assert part.tasks == (name,)
        assert (part.couplings, part.relatedness, part.balancing, part.sharing) == ((), (), None, None)
        assert parse(part.plain()) == part, "a checkpoint can be read again"
        assert [task.name for task in Trainer.of(part, tmp_path).run.tasks] == [name]
    assert (alone["category"].weights, alone["category"].select) == ({}, None)
    assert (alone["traits"].weights, alone["traits"].select) == ({"traits": 2.0}, "traits.f1")


def test_other_heads_are_removed_from_the_warm_start(recipe: Plain) -> None:
    start = {"checkpoint": "x", "freeze": ["trunk", "heads.traits"], "rates": {"heads.category": 2.0, "encoder": 0.1}}
    alone = each_task(parse(recipe(warm_start=start)))
    assert alone["category"].warm_start.freeze == ("trunk",)
    assert alone["category"].warm_start.rates == {"heads.category": 2.0, "encoder": 0.1}
    assert alone["traits"].warm_start.freeze == ("trunk", "heads.traits")
    assert alone["traits"].warm_start.rates == {"encoder": 0.1}


def test_single_task_networks_have_no_probe(recipe: Plain, study_vectors: Path) -> None:
    probes = {"who": {"manifest": str(study_vectors), "split": "all", "column": "category"}}
    assert all(part.probes == {} for part in each_task(parse(recipe(probes=probes))).values())


def test_sets_without_labels_of_the_task_are_removed(
    recipe: Plain, study_vectors: Path, make_set: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [{"split": "all", "category": "a"} for _ in range(4)]
    other = make_set(tmp_path / "other", rows, np.zeros((4, 6), np.float32), read_manifest(study_vectors).tasks)
    first, second = {"manifest": str(study_vectors), "split": "all"}, {"manifest": str(other), "split": "all"}
    alone = each_task(parse(recipe(data=[first, second])))
    assert [len(part.data) for part in alone.values()] == [2, 1]
    alone = each_task(parse(recipe(data=[{**first, "tasks": ["traits"]}, second])))
    assert [part.data[0].manifest for part in alone.values()] == [str(other), str(study_vectors)]
    folded = each_task(parse(recipe(data=[{**first, "tasks": ["traits"]}, second], fold={"index": 0})))
    assert [len(part.data) for part in folded.values()] == [2, 1], "folds are cut from the first set"
    with pytest.raises(RecipeError, match="no set provides labels of traits for a network of its own"):
        each_task(parse(recipe(data=[second])))


def test_a_set_that_folds_are_cut_from_is_kept_however_its_path_is_written(
    recipe: Plain, study_vectors: Path, make_set: Any, tmp_path: Path
) -> None:
    rows = [{"split": "all", "category": "a"} for _ in range(4)]
    other = make_set(tmp_path / "other", rows, np.zeros((4, 6), np.float32), read_manifest(study_vectors).tasks)
    data = [
        {"manifest": str(study_vectors / "manifest.parquet"), "split": "all", "tasks": ["traits"]},
        {"manifest": str(other), "split": "all"},
    ]
    alone = each_task(parse(recipe(data=data, fold={"index": 0}, relatedness=[])))
    assert [len(part.data) for part in alone.values()] == [2, 1]
