"""The set-up of a run: tables, folds, hidden labels, names of terms, with a label space of its own."""

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mien.learn.checkpoint import load_network, read_card
from mien.learn.data.manifest import read_manifest
from mien.learn.models.residual_mlp import ResidualMLP
from mien.learn.recipe import RecipeError, parse
from mien.learn.train.objective import BalancingError
from mien.learn.train.setup.run import build_run
from mien.learn.train.trainer import Trainer
from mien.relatedness.table import Relatedness
from mien.tasks import Kind, Task

GARMENT = Task("garment", Kind.CLASSES, ("shirt", "coat", "dress"), ("",) * 3)
DETAILS = Task("details", Kind.ATTRIBUTES, ("collar", "hood", "belt"), ("",) * 3)
COLOURS = Task("colours", Kind.ATTRIBUTES, ("red", "blue"), ("",) * 2)
TASKS = (GARMENT, DETAILS, COLOURS)

Recipes = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, make_set: Callable[..., Path]) -> Path:
    """Two hundred garments as sixteen numbers; half of the labels are missing."""
    draw = np.random.default_rng(0)
    rows = []
    for _ in range(200):
        row: dict[str, Any] = {"split": "all"}
        if draw.random() < 0.5:
            row["garment"] = GARMENT.labels[draw.integers(3)]
        for label in (*DETAILS.labels, *COLOURS.labels):
            row[label] = float(draw.integers(2)) if draw.random() < 0.5 else None
        rows.append(row)
    pack = draw.normal(size=(200, 16)).astype(np.float32)
    return make_set(tmp_path_factory.mktemp("shop"), rows, pack, TASKS)


@pytest.fixture
def recipe(shop: Path) -> Recipes:
    def make(**changes: Any) -> dict[str, Any]:
        return {
            "name": "shop",
            "network": {"ResidualMLP": {"width": 8, "depth": 1}},
            "data": [{"manifest": str(shop), "split": "all"}],
            "validation": {"manifest": str(shop), "split": "all"},
            "fold": {"index": 0},
            "batch_size": 40,
            "relatedness": {"attributes": "details"},
            "optimizer": {"kind": "adam", "rate": 0.01},
            "epochs": 2,
        } | changes

    return make


def trainer(data: dict[str, Any], folder: Path) -> Trainer:
    return Trainer.of(parse(data), folder)


def test_the_table_is_counted_in_the_training_rows_alone(recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    run = trainer(recipe(couplings=["DistributionMatching"]), tmp_path)
    rows = run.mixing.sets[0].manifest
    assert len(rows) + len(run.run.validation[0]) == 200
    garment, details = rows.column(GARMENT), rows.column(DETAILS)
    (table,) = run.run.relatedness
    for row in range(3):
        for column in range(3):
            known = (garment == row) & ~np.isnan(details[:, column])
            assert table.weights[row, column] == pytest.approx(details[known, column].mean())


def test_hidden_labels_are_not_counted(recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    data = [{"manifest": str(shop), "split": "all", "keep": {"details": 0.3}}]
    coupled = ["DistributionMatching"]
    few = trainer(recipe(data=data, couplings=coupled), tmp_path).run.relatedness[0].support
    every = trainer(recipe(couplings=coupled), tmp_path).run.relatedness[0].support
    assert few is not None
    assert every is not None
    assert 0 < few.sum() < 0.6 * every.sum()


def test_a_table_from_a_file(recipe: Recipes, tmp_path: Path) -> None:
    table = Relatedness.from_table(GARMENT, DETAILS, {"shirt": ["collar"]}, {"coat": {"hood": 0.4}}, "a catalogue")
    for name in ("table.json", "table.csv"):
        table.save(tmp_path / name)
        (read,) = trainer(
            recipe(relatedness=str(tmp_path / name), couplings=["DistributionMatching"]), tmp_path
        ).run.relatedness
        assert read.to_dict() == table.to_dict()
    with pytest.raises(RecipeError, match=r"relatedness: .*none\.json"):
        trainer(recipe(relatedness="none.json", couplings=["DistributionMatching"]), tmp_path)


def test_which_task_is_meant_must_be_clear(recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"relatedness\.attributes: name one of the tasks of attributes \(details"):
        trainer(recipe(relatedness="inferred", couplings=["DistributionMatching"]), tmp_path)


def test_several_pairs_have_terms_of_their_own(recipe: Recipes, tmp_path: Path) -> None:
    both = [{"attributes": "details"}, {"attributes": "colours"}]
    terms = ("distribution_matching/garment-details", "distribution_matching/garment-colours")
    weights = {"distribution_matching": 0.25, terms[1]: 0.0}
    run = trainer(recipe(relatedness=both, couplings=["DistributionMatching"], weights=weights), tmp_path)
    assert [run.objective.lambdas.weights[term] for term in terms] == [0.25, 0.0]
    assert {"garment", "details", "colours", *terms} == set(run.train_step(0))


def test_folds_need_a_set_to_divide(recipe: Recipes, shop: Path, easy: Path, tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError,
        match=r"of the validation \(.* valid\); data has .* all",
    ):
        trainer(recipe(validation={"manifest": str(easy), "split": "valid"}), tmp_path)


def test_several_validations_are_judged_together(recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    place = {"manifest": str(shop), "split": "all"}
    judged = trainer(recipe(validation=[place, place], fold=None), tmp_path).validate()
    once = trainer(recipe(validation=place, fold=None), tmp_path).validate()
    assert judged["faces"] == 400
    assert judged["garment.accuracy"] == pytest.approx(once["garment.accuracy"])


def test_a_lambda_of_0_gives_no_gradient(recipe: Recipes, tmp_path: Path) -> None:
    weights = dict.fromkeys(("garment", "details", "colours"), 0.0)
    run = trainer(recipe(weights=weights, optimizer={"kind": "sgd", "rate": 1, "weight_decay": 0}), tmp_path)
    before = {name: value.clone() for name, value in run.bare.named_parameters()}
    run.train_step(0)
    assert all(torch.equal(before[name], value) for name, value in run.bare.named_parameters())


BALANCERS = ["MgdaUb", "GradNorm", "UncertaintyWeighting", {"GramianWeights": {"weighting": "UPGrad"}}]


@pytest.mark.parametrize(
    "balancing", BALANCERS, ids=lambda entry: entry if isinstance(entry, str) else next(iter(entry))
)
def test_a_balanced_run_goes_on_bit_for_bit(balancing: Any, recipe: Recipes, tmp_path: Path) -> None:
    data = recipe(balancing=balancing, couplings=["DistributionMatching"], save_every=1)
    trainer(data, tmp_path / "whole").train()
    cut = trainer(data, tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.train(stop=lambda: cut.step >= 3)
    again = trainer(data, tmp_path / "cut")
    again.resume()
    again.train()
    whole, resumed = (load_file(tmp_path / name / "last/network.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    plain = trainer(recipe(couplings=["DistributionMatching"]), tmp_path / "plain")
    plain.train()
    other = load_file(tmp_path / "plain/last/network.safetensors")
    assert any(not torch.allclose(whole[name], other[name]) for name in whole)


def test_a_network_of_features_is_loaded_back(recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    run = trainer(recipe(couplings=["DistributionMatching"]), tmp_path)
    run.train()
    network, card = load_network(tmp_path / "last")
    inputs = torch.from_numpy(read_manifest(shop).images(np.arange(5)))
    run.bare.eval()
    with torch.inference_mode():
        for task in TASKS:
            assert torch.equal(network(inputs)[task.name], run.bare(inputs)[task.name])
    assert card["relatedness"] == [json.loads(json.dumps(table.to_dict())) for table in run.run.relatedness]
    assert read_card(tmp_path / "last")["preprocessing"]["shape"] == [16]


def test_a_table_that_nothing_uses_is_not_claimed(recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(recipe(epochs=1), tmp_path)
    run.train()
    assert run.run.relatedness == ()
    assert read_card(tmp_path / "last")["relatedness"] == []


def test_no_spelling_of_a_place_lets_judged_rows_into_the_training(recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    place = {"manifest": str(shop), "split": "all"}
    written_otherwise = {**place, "manifest": str(shop / "manifest.parquet")}
    data = [{**place, "tasks": ["garment", "details"]}, {**written_otherwise, "tasks": ["colours"]}]
    run = trainer(recipe(data=data, validation=[place, place]), tmp_path)
    trained = {int(row) for part in run.mixing.sets for row in part.manifest.table["crop"].to_numpy()}
    judged = {int(row) for part in run.run.validation for row in part.table["crop"].to_numpy()}
    assert len(trained) == len(judged) == 100
    assert not trained & judged


def test_labels_that_a_set_does_not_lend_are_refused(
    recipe: Recipes, shop: Path, tmp_path: Path, make_set: Any
) -> None:
    place = {"manifest": str(shop), "split": "all"}
    with pytest.raises(
        RecipeError, match=r"data\.0\.keep: the set contributes no labels of colours; known: garment, details"
    ):
        trainer(recipe(data=[{**place, "tasks": ["garment", "details"], "keep": {"colours": 0.5}}]), tmp_path)
    other = make_set(tmp_path / "other", [{"garment": "coat"}] * 3, np.zeros((3, 16), np.float32), (GARMENT,))
    with pytest.raises(RecipeError, match=r"data\.1\.tasks: .*other.* has no task colours"):
        trainer(recipe(data=[place, {"manifest": str(other), "tasks": ["colours"]}]), tmp_path)


def test_judged_rows_have_the_tasks_and_the_inputs_of_the_training(
    recipe: Recipes, tmp_path: Path, make_set: Callable[..., Path]
) -> None:
    def judged_by(name: str, task: Task, width: int) -> dict[str, Any]:
        folder = make_set(tmp_path / name, [{"garment": "coat"}], np.zeros((1, width), np.float32), (task,))
        return recipe(fold=None, validation={"manifest": str(folder), "split": "train"})

    more = Task("garment", Kind.CLASSES, (*GARMENT.labels, "hat"), ("",) * 4)
    with pytest.raises(
        RecipeError, match=r"validation: .*more.*: task garment differs from the one in the training data"
    ):
        trainer(judged_by("more", more, 16), tmp_path)
    with pytest.raises(RecipeError, match=r"network: reads inputs of 16; .*short.* holds 15"):
        trainer(judged_by("short", GARMENT, 15), tmp_path)


def test_couplings_without_a_table_are_refused(recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="relatedness: DistributionMatching needs a table"):
        trainer(recipe(relatedness=[], couplings=["DistributionMatching"]), tmp_path)


def test_what_a_balancer_cannot_weigh_is_told_in_a_line(recipe: Recipes, tmp_path: Path) -> None:
    below_0 = [{"DistributionMatching": {"outcomes": "positive"}}]
    run = trainer(recipe(balancing={"MgdaUb": {"normalise": "loss"}}, couplings=below_0), tmp_path)
    with pytest.raises(BalancingError, match="balancing: normalise: loss needs losses of 0 or more"):
        run.train()


def test_a_balancer_names_losses_that_there_are(recipe: Recipes, tmp_path: Path) -> None:
    trainer(recipe(balancing={"UncertaintyWeighting": {"regression": ["details"]}}), tmp_path)
    with pytest.raises(RecipeError, match=r"UncertaintyWeighting: regression: no loss detail; .* details\?"):
        trainer(recipe(balancing={"UncertaintyWeighting": {"regression": ["detail"]}}), tmp_path)


def test_probes_need_shared_features(recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    probes = {"who": {"manifest": str(shop), "split": "all"}}
    with pytest.raises(
        RecipeError, match="probes: needs features that all tasks share; with TaskRouting each task has its own"
    ):
        trainer(recipe(sharing="TaskRouting", probes=probes), tmp_path)


def test_the_task_that_is_trained_is_the_balanced_one(
    recipe: Recipes, make_set: Callable[..., Path], tmp_path: Path
) -> None:
    """Its set has another classification task before it, which is even."""
    even, odd = (Task(name, Kind.CLASSES, tuple(labels), ("",) * 2) for name, labels in (("even", "ab"), ("odd", "xy")))
    rows = [{"split": "all", "even": "ab"[row % 2], "odd": "xy"[row % 10 == 0]} for row in range(100)]
    place = make_set(tmp_path / "set", rows, np.zeros((100, 4), np.float32), (even, odd))
    part = {"manifest": str(place), "split": "all"}
    changes = {"validation": part, "fold": None, "relatedness": [], "tasks": ["odd"]}
    run = trainer(recipe(data=[{**part, "balance": 1, "tasks": ["odd"]}], **changes), tmp_path / "run")
    assert len(run.mixing.sets[0].rows) == 90 + 9 * 10


def test_priors_are_those_of_the_batches_and_of_what_teachers_say(
    recipe: Recipes, make_set: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [{"split": "all", "garment": "shirt"}] * 90 + [{"split": "all", "garment": "coat"}] * 10
    sets = [
        make_set(tmp_path / name, some, np.zeros((len(some), 16), np.float32), (GARMENT,))
        for name, some in (("many", rows[:90]), ("few", rows[90:]))
    ]
    data = [{"manifest": str(place), "split": "all", "size": 5} for place in sets]
    changes: dict[str, Any] = {"validation": data[0] | {"size": None}, "fold": None, "relatedness": []}
    changes["validation"].pop("size")
    run = trainer(recipe(data=data, losses={"garment": "BalancedSoftmax"}, **changes), tmp_path / "run")
    assert run.objective.losses["garment"].prior == pytest.approx((0.5, 0.5, 0))  # type: ignore[attr-defined]
    run.train()
    hidden = [{**part, "keep": {"garment": 0}} for part in data]
    teachers = {"teachers": [str(tmp_path / "run/last")]}
    taught = trainer(recipe(data=hidden, losses={"garment": "BalancedSoftmax"}, **teachers, **changes), tmp_path / "on")
    told = np.mean([columns["garment"].mean(0) for columns in taught.mixing.columns], 0)  # both sets alike
    assert taught.objective.losses["garment"].prior == pytest.approx(told)  # type: ignore[attr-defined]


def test_a_run_that_goes_on_needs_no_pretrained_weights(
    recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(ResidualMLP, "load_pretrained", lambda self: loaded.append(self), raising=False)
    trainer(recipe(), tmp_path).save("last")
    assert len(loaded) == 1
    trainer(recipe(), tmp_path).resume()
    assert len(loaded) == 1


@pytest.mark.parametrize(
    ("mixing", "temperature"), [({"by": "proportional"}, 1), ({"by": "temperature", "temperature": 4}, 4)]
)
def test_sets_can_be_drawn(
    mixing: dict[str, Any], temperature: float, recipe: Recipes, shop: Path, tmp_path: Path
) -> None:
    data = [{"manifest": str(shop), "split": "all"}] * 2
    run = Trainer.of(parse(recipe(mixing=mixing, data=data)), tmp_path)
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
def test_a_wrong_mixture_is_refused(changes: dict[str, Any], reason: str, recipe: Recipes) -> None:
    with pytest.raises(RecipeError, match=reason):
        parse(recipe(**changes))


def test_drawn_sets_have_no_size(recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    data = [{"manifest": str(shop), "split": "all", "size": 5}]
    with pytest.raises(RecipeError, match=r"data\.0\.size: mixing\.by: proportional draws the sizes; remove this key"):
        Trainer.of(parse(recipe(data=data, mixing={"by": "proportional"})), tmp_path)


def test_a_run_is_a_value(recipe: Recipes, tmp_path: Path) -> None:
    parsed = parse(recipe(couplings=["DistributionMatching"]))
    one, other = build_run(parsed), build_run(parsed)
    with pytest.raises(FrozenInstanceError):
        one.select = "other"  # type: ignore[misc]
    weights = (run.network.state_dict() for run in (one, other))
    assert all(torch.equal(a, b) for a, b in zip(*(each.values() for each in weights), strict=True))
    Trainer(one, tmp_path).train()
    assert not all(torch.equal(a, b) for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True))
    again = build_run(parsed)
    assert all(torch.equal(a, b) for a, b in zip(other.network.parameters(), again.network.parameters(), strict=True))
