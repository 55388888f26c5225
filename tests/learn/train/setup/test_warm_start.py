"""Training on from another run: what is kept, frozen, begun afresh, or refused, and what moves how fast."""

import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from mien.learn.checkpoint import load_network
from mien.learn.data.manifest import read_manifest
from mien.learn.recipe import Recipe, RecipeError, parse
from mien.learn.recipe.settings import WarmStart
from mien.learn.train.setup.warm_start import rate_groups
from mien.learn.train.trainer import Trainer
from mien.tasks import ACTION_UNITS, EXPRESSION, Kind, Task

MOOD = Task("mood", Kind.CLASSES, ("low", "high"), ("", ""))
FEWER = Task("expression", Kind.CLASSES, EXPRESSION.labels[:3], ("",) * 3)
NETWORK = {"FaceBehaviorNet": {"width": 8, "depth": [1, 1], "dropout": 0.3, "side": 32}}
COUPLED = {"couplings": ["DistributionMatching", "CoAnnotation"]}
CRITIC = {"adversarial": {}}
ENCODER = ("trunk.", "preprocessing.")

Recipes = Callable[..., dict[str, Any]]


def make_rows(tasks: tuple[Task, ...], count: int = 24) -> list[dict[str, Any]]:
    draw = np.random.default_rng(len(tasks))
    rows = []
    for index in range(count):
        row: dict[str, Any] = {"split": "train" if index < count * 2 // 3 else "valid"}
        for task in tasks:
            if task.kind is Kind.CLASSES:
                row[task.name] = task.labels[index % len(task)]
            else:
                row |= {label: float(draw.integers(2)) for label in task.labels}
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def sets(make_set: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same pictures with expressions and action units; with expressions and a mood; with other expressions."""
    folder = tmp_path_factory.mktemp("sets")
    crops = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), np.uint8)
    spaces = {"first": (EXPRESSION, ACTION_UNITS), "second": (EXPRESSION, MOOD), "other": (FEWER,)}
    return {name: make_set(folder / name, make_rows(tasks), crops, tasks) for name, tasks in spaces.items()}


def recipe_on(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "name": "on",
        "network": NETWORK,
        "data": [{"manifest": str(folder)}],
        "validation": {"manifest": str(folder), "split": "valid"},
        "batch_size": 8,
        "optimizer": {"kind": "adamw", "rate": 0.01, "weight_decay": 0.1},
        "epochs": 1,
    } | changes


@pytest.fixture(scope="module")
def begun(sets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of expressions and action units, whose running statistics have moved."""
    folder = tmp_path_factory.mktemp("begun")
    Trainer.of(parse(recipe_on(sets["first"])), folder).train()
    return folder / "last"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "network.safetensors")


def test_the_encoder_and_the_heads_of_the_same_tasks_are_kept(
    sets: dict[str, Path], begun: Path, tmp_path: Path
) -> None:
    run = Trainer.of(parse(recipe_on(sets["second"], warm_start={"checkpoint": str(begun)})), tmp_path / "run")
    before, now = weights(begun), run.bare.state_dict()
    kept = [name for name in now if not name.startswith("heads.mood")]
    assert {name for name in kept if name.startswith("heads.")} == {"heads.expression.weight", "heads.expression.bias"}
    assert all(torch.equal(now[name], before[name]) for name in kept)
    assert run.run.notes == [f"started from {begun}: heads loaded: expression; new: mood"]


def test_the_head_of_a_task_with_other_labels_begins_afresh_and_this_is_told(
    sets: dict[str, Path], begun: Path, tmp_path: Path
) -> None:
    run = Trainer.of(parse(recipe_on(sets["other"], warm_start={"checkpoint": str(begun)})), tmp_path / "run")
    assert run.run.notes == [f"started from {begun}: heads loaded: none; new: expression (other labels)"]
    assert len(run.bare.state_dict()["heads.expression.bias"]) == 3


@pytest.mark.parametrize(
    ("depth", "afresh"),
    [([1], []), ([1, 1, 1], ["trunk.blocks.2.conv1", "trunk.blocks.2.shortcut.0"])],
)
def test_a_partial_start_takes_over_what_fits_and_tells_the_rest(
    depth: list[int], afresh: list[str], sets: dict[str, Path], begun: Path, tmp_path: Path
) -> None:
    network = {"FaceBehaviorNet": {**NETWORK["FaceBehaviorNet"], "depth": depth}}
    start = {"checkpoint": str(begun), "partial": True}
    run = Trainer.of(parse(recipe_on(sets["second"], network=network, warm_start=start)), tmp_path)
    before, now = weights(begun), run.bare.state_dict()
    taken = {name for name in now if name in before and now[name].shape == before[name].shape}
    assert "trunk.blocks.0.conv1.weight" in taken
    assert all(torch.equal(now[name], before[name]) for name in taken if not name.startswith("heads.mood"))
    told = run.run.notes[1].partition("also new: ")[2].split(", ") if len(run.run.notes) > 1 else []
    left = {name.rpartition(".")[0] for name in now if name not in taken and not name.startswith("heads.")}
    assert set(told) == left
    assert set(afresh) <= left


def test_a_frozen_encoder_is_the_same_to_the_last_bit(sets: dict[str, Path], begun: Path, tmp_path: Path) -> None:
    for name, start in (("frozen", {"freeze": "encoder"}), ("free", {})):
        Trainer.of(
            parse(recipe_on(sets["second"], warm_start={"checkpoint": str(begun)} | start)), tmp_path / name
        ).train()
    before, frozen, free = (weights(folder) for folder in (begun, tmp_path / "frozen/last", tmp_path / "free/last"))
    encoder = [name for name in before if name.startswith(ENCODER)]
    assert any("running_mean" in name for name in encoder)
    assert all(torch.equal(frozen[name], before[name]) for name in encoder)
    moved = [name for name in encoder if not torch.equal(free[name], before[name])]
    assert {"running_mean", "weight"} <= {name.rsplit(".", 1)[1] for name in moved}
    assert not torch.equal(frozen["heads.expression.weight"], before["heads.expression.weight"])


def test_a_part_inside_a_frozen_one_can_learn(sets: dict[str, Path], begun: Path, tmp_path: Path) -> None:
    start = {"checkpoint": str(begun), "freeze": ["encoder"], "rates": {"trunk.blocks.1": 0.5}}
    Trainer.of(parse(recipe_on(sets["second"], warm_start=start)), tmp_path).train()
    before, now = weights(begun), weights(tmp_path / "last")
    moved = {name for name in before if name.startswith("trunk.") and not torch.equal(before[name], now[name])}
    assert moved
    assert all(name.startswith("trunk.blocks.1.") for name in moved)


def test_frozen_modules_are_in_evaluation_mode_and_the_dropout_before_the_heads_is_not(
    sets: dict[str, Path], begun: Path, tmp_path: Path
) -> None:
    start = {"checkpoint": str(begun), "freeze": ["encoder"]}
    run = Trainer.of(parse(recipe_on(sets["second"], warm_start=start)), tmp_path)
    run.validate()
    run.train_step(0)
    assert not any(module.training for module in run.bare.trunk.modules())  # type: ignore[union-attr]
    assert run.bare.dropout.training  # type: ignore[union-attr]
    assert run.bare.heads.training  # type: ignore[union-attr]


def test_each_part_has_its_rate(sets: dict[str, Path], begun: Path, tmp_path: Path) -> None:
    rates = {"encoder": 0.1, "trunk.blocks.0": 0.5, "heads.mood": 3}
    start = {"checkpoint": str(begun), "rates": rates}
    schedule = {"warmup": 0, "decay": "constant"}
    optimizer = {"kind": "sgd", "rate": 0.01, "momentum": 0, "weight_decay": 0, "clip": None}
    run = Trainer.of(
        parse(recipe_on(sets["second"], warm_start=start, schedule=schedule, optimizer=optimizer)), tmp_path
    )
    before = {name: weight.detach().clone() for name, weight in run.bare.named_parameters()}
    run.train_step(0)
    for name, weight in run.bare.named_parameters():
        longest = max((part for part in rates if f"{name}.".startswith(f"{part}.")), key=len, default="")
        factor = rates.get(longest, 1 if name.startswith("heads.") else 0.1)
        assert weight.grad is not None
        assert torch.allclose(before[name] - weight, 0.01 * factor * weight.grad, atol=1e-7), name


def test_without_rates_there_is_one_group_of_all_weights(sets: dict[str, Path]) -> None:
    network = parse(recipe_on(sets["second"])).network.build(tasks=(MOOD,), inputs=(3, 32, 32))
    (group,) = rate_groups(network, WarmStart())
    assert (group["params"], group["factor"]) == (list(network.parameters()), 1.0)


@pytest.mark.parametrize("more", [{}, COUPLED, {"micro_batches": 2}], ids=["plain", "couplings", "micro-batches"])
def test_it_goes_on_bit_for_bit_without_the_checkpoint_that_it_began_from(
    more: dict[str, Any], sets: dict[str, Path], begun: Path, tmp_path: Path
) -> None:
    own = tmp_path / "begun"
    shutil.copytree(begun, own)
    start = {"checkpoint": str(own), "freeze": ["trunk.stem"], "rates": {"trunk": 0.3}}
    network = {"FaceBehaviorNet": NETWORK["FaceBehaviorNet"] | {"dropout": 0.1}}
    recipe = parse(recipe_on(sets["first"], warm_start=start, network=network, epochs=2, **more))
    Trainer.of(recipe, tmp_path / "whole").train()
    cut = Trainer.of(recipe, tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.train(stop=lambda: cut.step == cut.mixing.steps_per_epoch)
    shutil.rmtree(own)
    again = Trainer.of(recipe, tmp_path / "cut")
    again.resume()
    again.train()
    for name in ("network", "optimizer"):
        path = f"last/{name}.safetensors"
        assert (tmp_path / "cut" / path).read_bytes() == (tmp_path / "whole" / path).read_bytes()
    assert load_network(tmp_path / "cut/last")[0] is not None


def test_the_critic_teaches_only_what_is_not_frozen(
    make_set: Callable[..., Path], begun: Path, easy: Path, tmp_path: Path
) -> None:
    network = {"FaceBehaviorNet": {"width": 8, "depth": [1, 1]}}
    first = parse(recipe_on(easy, network=network, tasks=["expression"]))
    Trainer.of(first, tmp_path / "first").train()
    valence = Task("pleasure", Kind.CONTINUOUS, ("pleasure",), ("",))
    manifest = read_manifest(easy)
    values = np.random.default_rng(0).uniform(-1, 1, len(manifest))
    rows = [
        {"split": split, "pleasure": float(value)}
        for split, value in zip(manifest.table["split"].to_pylist(), values, strict=True)
    ]
    folder = make_set(tmp_path / "set", rows, np.asarray(manifest.crops[:]), (valence,))
    start = {"checkpoint": str(tmp_path / "first/last"), "freeze": ["trunk.stem"]}
    Trainer.of(parse(recipe_on(folder, network=network, warm_start=start, **CRITIC)), tmp_path / "run").train()
    before, now = weights(tmp_path / "first/last"), weights(tmp_path / "run/last")
    still = [name for name in before if name.startswith("trunk.stem.")]
    assert still
    assert all(torch.equal(before[name], now[name]) for name in still)
    assert not torch.equal(before["trunk.blocks.0.conv1.weight"], now["trunk.blocks.0.conv1.weight"])
    frozen = parse(recipe_on(folder, network=network, warm_start=start | {"freeze": ["encoder"]}, **CRITIC))
    with pytest.raises(
        RecipeError, match=r"adversarial: it trains the encoder, which `warm_start.freeze` freezes completely"
    ):
        Trainer.of(frozen, tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "start", "message"),
    [
        ({"network": {"ResNet18": {"side": 32}}}, {}, "is a FaceBehaviorNet, not a ResNet18"),
        ({"network": {"FaceBehaviorNet": {"width": 16, "depth": [1, 1], "side": 32}}}, {}, "does not fit this network"),
        ({"network": {"FaceBehaviorNet": {"width": 8, "depth": [1], "side": 32}}}, {}, "is unexpected"),
        ({"network": {"FaceBehaviorNet": {"width": 8, "depth": [1, 1, 1], "side": 32}}}, {}, "is missing"),
        (
            {"network": {"FaceBehaviorNet": {"width": 8, "depth": [1, 1], "side": 32, "channels": "grey"}}},
            {},
            "has channels rgb, this network grey",
        ),
        ({}, {"checkpoint": "runs/none"}, "runs/none: not a checkpoint of mien"),
        ({}, {"freeze": ["trunc"]}, r"warm_start\.freeze: the network has no part trunc; did you mean trunk\?"),
        ({}, {"rates": {"heads.moot": 2}}, r"warm_start\.rates: the network has no part heads\.moot; did you mean"),
        ({}, {"freeze": ["encoder", "heads"]}, r"warm_start\.freeze: nothing is left to learn"),
        ({"sharing": "TaskRouting"}, {}, "warm_start: needs features that all tasks share; with TaskRouting"),
        ({"balancing": "MgdaUb"}, {"freeze": ["encoder"]}, "balancing: MgdaUb balances the learning of"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_line(
    changes: dict[str, Any], start: dict[str, Any], message: str, sets: dict[str, Path], begun: Path, tmp_path: Path
) -> None:
    recipe = parse(recipe_on(sets["second"], warm_start={"checkpoint": str(begun)} | start, **changes))
    with pytest.raises(ValueError, match=message) as refusal:
        Trainer.of(recipe, tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_part_is_frozen_or_has_a_rate() -> None:
    with pytest.raises(RecipeError, match=r"warm_start: rates\.trunk: this part is frozen, so it has no learning rate"):
        parse(recipe_on(Path("x"), warm_start={"freeze": "trunk", "rates": {"trunk": 0.1}}))


def test_a_damaged_checkpoint_is_refused(sets: dict[str, Path], begun: Path, tmp_path: Path) -> None:
    shutil.copytree(begun, tmp_path / "damaged")
    (tmp_path / "damaged/network.safetensors").write_bytes(b"nothing")
    recipe = parse(recipe_on(sets["second"], warm_start={"checkpoint": str(tmp_path / "damaged")}))
    with pytest.raises(ValueError, match=r"damaged: network\.safetensors cannot be used"):
        Trainer.of(recipe, tmp_path / "run")


def test_two_ranks_end_with_the_weights_of_one(
    make_set: Callable[..., Path],
    tiny_module: Path,
    train_apart: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (24, 112, 112, 1), np.uint8)
    first = make_set(tmp_path / "first", make_rows((EXPRESSION, ACTION_UNITS)), crops, (EXPRESSION, ACTION_UNITS))
    second = make_set(tmp_path / "second", make_rows((EXPRESSION, MOOD)), crops, (EXPRESSION, MOOD))
    plain = {
        "network": {"own_network.Tiny": {}},
        "augmentation": dict.fromkeys(("flip", "rotate", "shift", "scale", "light", "erase"), 0),
        "optimizer": {"rate": 0.1, "clip": 0.5},
    }
    Trainer.of(parse(recipe_on(first, **plain)), tmp_path / "begun").train()
    start = {"checkpoint": str(tmp_path / "begun/last"), "freeze": ["body"], "rates": {"heads.mood": 2}}
    recipe = recipe_on(second, **plain, warm_start=start)
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    ranks = [
        train_apart(
            path,
            tmp_path / "two",
            path=str(tiny_module),
            RANK=rank,
            LOCAL_RANK=rank,
            ACCELERATE_USE_CPU="true",
            **world,
        )
        for rank in ("0", "1")
    ]
    Trainer.of(parse(recipe), tmp_path / "one").train()
    for process in ranks:
        errors = process.communicate(timeout=120)[1]
        assert process.returncode == 0, errors
    before, one, two = (weights(tmp_path / name / "last") for name in ("begun", "one", "two"))
    assert all(torch.equal(one[name], before[name]) and torch.equal(two[name], before[name]) for name in
               ("body.weight", "body.bias"))  # fmt: skip
    for name, weight in one.items():
        assert torch.allclose(two[name], weight, atol=1e-5, rtol=0), name
    assert not torch.allclose(one["heads.expression.weight"], before["heads.expression.weight"], atol=1e-3)


def test_a_recipe_without_a_warm_start_has_the_defaults() -> None:
    assert Recipe.model_fields["warm_start"].default == WarmStart()
