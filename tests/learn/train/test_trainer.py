"""The training loop: it learns, it repeats itself to the last bit, and it survives being killed."""

import csv
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from mien.learn.checkpoint import CheckpointError
from mien.learn.recipe import parse
from mien.learn.train.optimiser import learning_rate
from mien.learn.train.trainer import DivergedError, Trainer

Recipes = Callable[..., dict[str, Any]]
COUPLED = {"couplings": ["DistributionMatching", "CoAnnotation", "SoftCoAnnotation"]}
FILES = (
    "last/network.safetensors",
    "last/optimizer.safetensors",
    "last/checkpoint.json",
    "best/network.safetensors",
    "log.csv",
)


def trainer(data: dict[str, Any], folder: Path) -> Trainer:
    return Trainer.of(parse(data), folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def log(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_an_easy_problem_is_learned(plain_recipe: Recipes, tmp_path: Path) -> None:
    optimizer = {"kind": "adam", "rate": 0.02, "weight_decay": 0}
    still = {"flip": 0, "rotate": 0, "shift": 0, "scale": 0, "light": 0, "erase": 0}
    network = {"FaceBehaviorNet": {"width": 8, "depth": [1, 1]}}
    recipe = plain_recipe(epochs=12, optimizer=optimizer, augmentation=still, batch_size=8, network=network)
    metrics = trainer(recipe, tmp_path).train()
    rows = log(tmp_path)
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(1, 13)]
    for task in ("expression", "action_units", "affect"):
        assert float(rows[-1][f"loss.{task}"]) < 0.5 * float(rows[0][f"loss.{task}"])
    assert metrics["expression.accuracy"] > 0.8  # chance: 0.33
    assert metrics["action_units.f1.AU12"] > 0.8
    assert metrics["faces"] == 24


def test_best_is_chosen_by_the_selected_figure(plain_recipe: Recipes, tmp_path: Path) -> None:
    trainer(plain_recipe(epochs=4, select="affect.ccc.valence"), tmp_path).train()
    values = [float(row["affect.ccc.valence"]) for row in log(tmp_path)]
    card = json.loads((tmp_path / "best/checkpoint.json").read_text())
    assert card["state"]["metrics"]["affect.ccc.valence"] == max(values)
    assert card["state"]["step"] == (values.index(max(values)) + 1) * 3


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_the_same_seed_gives_the_same_bits(kind: str, plain_recipe: Recipes, tmp_path: Path) -> None:
    optimizer = {"kind": kind, "rate": 0.01}
    network = {"FaceBehaviorNet": {"width": 8, "depth": [1], "dropout": 0.3}}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        trainer(
            plain_recipe(optimizer=optimizer, network=network, seed=seed, epochs=1, **COUPLED), tmp_path / name
        ).train()
        torch.rand(3)
    assert contents(tmp_path / "first") == contents(tmp_path / "again")
    assert contents(tmp_path / "first")[FILES[0]] != contents(tmp_path / "other")[FILES[0]]


class Stopped(Exception):  # noqa: N818
    pass


def run_until(run: Trainer, step: int) -> None:
    def stop(*_: object) -> None:
        if run.step == step:
            raise Stopped

    with pytest.raises(Stopped):
        run.train(stop)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize(("save_every", "killed"), [(2, 5), (None, 4)])
def test_an_interrupted_run_ends_as_an_unbroken_one(
    kind: str, save_every: int | None, killed: int, plain_recipe: Recipes, tmp_path: Path
) -> None:
    data = plain_recipe(optimizer={"kind": kind, "rate": 0.01}, save_every=save_every, **COUPLED)
    data["network"] = {"FaceBehaviorNet": {"width": 8, "depth": [1, 1], "dropout": 0.2}}
    trainer(data, tmp_path / "unbroken").train()
    run_until(trainer(data, tmp_path / "broken"), killed)
    torch.manual_seed(999)
    second = trainer(data, tmp_path / "broken")
    second.resume()
    assert second.step == (4 if save_every else 3)
    second.train()
    assert contents(tmp_path / "broken") == contents(tmp_path / "unbroken")


@pytest.mark.parametrize("mix", ["mixup", "mixaugment"])
def test_drawn_sets_and_mixtures_resume_in_the_middle_of_an_epoch(
    mix: str, easy: Path, plain_recipe: Recipes, tmp_path: Path
) -> None:
    sets = [{"manifest": str(easy)}, {"manifest": str(easy), "split": "valid", "tasks": ["expression"]}]
    mixing = {"by": "temperature", "temperature": 2}
    data = plain_recipe(data=sets, mixing=mixing, augmentation={"mix": mix, "blur": 0.5}, save_every=2, **COUPLED)
    trainer(data, tmp_path / "unbroken").train()
    run_until(trainer(data, tmp_path / "broken"), 3)
    torch.manual_seed(999)
    second = trainer(data, tmp_path / "broken")
    second.resume()
    assert second.step == 2
    assert second.mixing.steps_per_epoch == 5
    second.train()
    assert contents(tmp_path / "broken") == contents(tmp_path / "unbroken")


def test_what_was_logged_after_the_last_checkpoint_is_not_logged_twice(plain_recipe: Recipes, tmp_path: Path) -> None:
    data = plain_recipe()
    trainer(data, tmp_path).train()
    before = contents(tmp_path)
    card = json.loads((tmp_path / "last/checkpoint.json").read_text())
    with (tmp_path / "log.csv").open("a") as lines:
        lines.write(f"3,{card['state']['step'] + 3}\n")
    finished = trainer(data, tmp_path)
    finished.resume()
    finished.train()
    assert contents(tmp_path) == before


def test_a_kill_in_the_middle_loses_nothing(
    plain_recipe: Recipes, train_apart: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    data = plain_recipe(epochs=6, save_every=1, **COUPLED)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(data))
    process = train_apart(recipe, tmp_path / "broken", "0.02")
    card = tmp_path / "broken/last/checkpoint.json"
    deadline = time.monotonic() + 120
    while not (tmp_path / "broken/log.csv").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    second = trainer(data, tmp_path / "broken")
    second.resume()
    assert 2 <= second.step < 18
    assert card.exists()
    second.train()
    trainer(data, tmp_path / "unbroken").train()
    assert contents(tmp_path / "broken") == contents(tmp_path / "unbroken")


def test_another_recipe_does_not_resume(plain_recipe: Recipes, tmp_path: Path) -> None:
    trainer(plain_recipe(epochs=1), tmp_path).train()
    other = trainer(plain_recipe(epochs=1, optimizer={"rate": 0.2}, batch_size=8), tmp_path)
    with pytest.raises(CheckpointError, match="last: was trained with other values of batch_size, optimizer"):
        other.resume()


def test_there_is_nothing_to_resume_without_a_checkpoint(plain_recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="last: not a checkpoint of mien"):
        trainer(plain_recipe(), tmp_path).resume()


def test_a_task_without_labels_trains_the_others_and_its_own_head_not(plain_recipe: Recipes, tmp_path: Path) -> None:
    data = plain_recipe(optimizer={"weight_decay": 0, "momentum": 0, "rate": 0.1}, epochs=1)
    data["data"][0]["tasks"] = ["expression"]
    run = trainer(data, tmp_path)
    before = {name: head.weight.detach().clone() for name, head in run.bare.heads.items()}  # type: ignore[union-attr,operator]
    assert set(run.train_step(0)) == {"expression"}
    changed = {name for name, head in run.bare.heads.items() if not torch.equal(head.weight, before[name])}  # type: ignore[union-attr,operator]
    assert changed == {"expression"}
    assert all(parameter.isfinite().all() for parameter in run.bare.parameters())


def test_a_batch_without_any_label_moves_nothing(
    make_set: Callable[..., Path], plain_recipe: Recipes, tmp_path: Path
) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (8, 112, 112, 1), np.uint8)
    folder = make_set(tmp_path / "set", [{}] * 8, crops)
    data = plain_recipe(data=[{"manifest": str(folder)}], batch_size=8, optimizer={"weight_decay": 0})
    run = trainer(data, tmp_path / "run")
    before = [parameter.detach().clone() for parameter in run.bare.parameters()]
    assert run.train_step(1) == {}
    assert all(torch.equal(old, new) for old, new in zip(before, run.bare.parameters(), strict=True))


def test_weights_weigh(plain_recipe: Recipes, tmp_path: Path) -> None:
    outputs = []
    for weight in (0, 1):
        data = plain_recipe(optimizer={"weight_decay": 0}, weights={"expression": weight})
        run = trainer(data, tmp_path)
        before = run.bare.heads["expression"].weight.detach().clone()  # type: ignore[index,union-attr,operator]
        run.train_step(1)
        outputs.append(bool((run.bare.heads["expression"].weight != before).any()))  # type: ignore[index,union-attr,operator]
    assert outputs == [False, True]


def test_validation_reads_in_single_precision_whatever_trains(plain_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(
        plain_recipe(precision="bf16", epochs=1, network={"FaceBehaviorNet": {"width": 16, "depth": [1]}}), tmp_path
    )
    seen = []
    run.bare.trunk.blocks[0].register_forward_hook(lambda _, __, output: seen.append(output.dtype))  # type: ignore[union-attr]
    run.train_step(0)
    run.validate()
    assert seen == [torch.bfloat16, torch.float32]
    assert {parameter.dtype for parameter in run.bare.parameters()} == {torch.float32}


def test_bf16_repeats_and_resumes_to_the_last_bit(plain_recipe: Recipes, tmp_path: Path) -> None:
    data = plain_recipe(precision="bf16")
    trainer(data, tmp_path / "unbroken").train()
    run_until(trainer(data, tmp_path / "broken"), 4)
    second = trainer(data, tmp_path / "broken")
    second.resume()
    second.train()
    assert contents(tmp_path / "broken") == contents(tmp_path / "unbroken")


@pytest.mark.parametrize("moment", [2, 3, 4])
def test_a_wish_to_stop_is_granted_between_steps(moment: int, plain_recipe: Recipes, tmp_path: Path) -> None:
    data = plain_recipe(epochs=3, **COUPLED)
    first = trainer(data, tmp_path / "stopped")
    asked = threading.Event()
    hook = first.network.register_forward_pre_hook(lambda *_: asked.set() if first.step >= moment else None)
    with pytest.raises(KeyboardInterrupt):
        first.train(stop=asked.is_set)
    hook.remove()
    second = trainer(data, tmp_path / "stopped")
    second.resume()
    assert second.step == first.step >= moment
    second.train()
    trainer(data, tmp_path / "unbroken").train()
    assert contents(tmp_path / "stopped") == contents(tmp_path / "unbroken")


def test_a_loss_that_is_not_finite_ends_the_run(plain_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(plain_recipe(optimizer={"kind": "sgd", "rate": 1e12, "clip": None}), tmp_path)
    with pytest.raises(DivergedError, match=r"the loss \w+ is (nan|inf) at step \d"):
        run.train()
    assert not (tmp_path / "best").exists()


def test_the_network_moves_with_the_scheduled_rate(plain_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(plain_recipe(optimizer={"rate": 0.2}, schedule={"warmup": 0.5}), tmp_path)
    rates = []
    for step in range(run.run.steps):
        run.train_step(step)
        rates.append(run.optimizer.param_groups[0]["lr"])
    assert rates == [0.2 * learning_rate(step, 6, run.recipe.schedule) for step in range(6)]
    assert len(set(rates)) > 3


def test_epochs_between_judgements_are_not_judged_but_the_last_is(plain_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(plain_recipe(epochs=5, validate_every=2), tmp_path)
    rows: list[dict[str, float]] = []
    judged = run.train(epoch_done=rows.append)
    assert [row["epoch"] for row in rows if run.run.select in row] == [2, 4, 5]
    assert judged[run.run.select] == rows[-1][run.run.select]
    assert run.best == max(row[run.run.select] for row in rows if run.run.select in row)


def test_a_run_from_before_a_key_was_there_goes_on(plain_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(plain_recipe(epochs=1), tmp_path)
    run.train()
    path = tmp_path / "last/checkpoint.json"
    card = json.loads(path.read_text())
    del card["recipe"]["validate_every"], card["recipe"]["teachers"]
    path.write_text(json.dumps(card))
    again = trainer(plain_recipe(epochs=1), tmp_path)
    again.resume()
    assert again.step == run.run.steps
