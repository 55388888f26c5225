"""The search for AdaShare's policy: its curriculum, its two halves, its end, and going on after a stop."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mien.learn.checkpoint import load_network
from mien.learn.recipe import Recipe, RecipeError, parse
from mien.learn.train.policy_search import PolicySearch, opened, search, temperature, with_policy
from mien.learn.train.trainer import Trainer
from mien.tasks import Kind, Task

SIGN = Task("sign", Kind.CLASSES, ("low", "high"), ("",) * 2)
ODD = Task("odd", Kind.ATTRIBUTES, ("odd", "even"), ("",) * 2)
BLOCKS = 3


@pytest.fixture
def toy(make_set: Callable[..., Path], tmp_path: Path) -> Path:
    """One task is linear in the features, the other is the parity of three signs; half of the labels is missing."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(120, 4)).astype(np.float32)
    rows = []
    for index, row in enumerate(features):
        odd = float((row[:3] > 0).sum() % 2)
        labels = {"sign": SIGN.labels[int(row[3] > 0)], "odd": odd, "even": 1 - odd}
        if index < 100:
            labels = {name: None if generator.random() < 0.5 else value for name, value in labels.items()}
        rows.append(labels | {"split": "train" if index < 100 else "valid"})
    return make_set(tmp_path / "toy", rows, features, (SIGN, ODD))


@pytest.fixture
def recipe(toy: Path) -> Callable[..., Recipe]:
    """``recipe(key=value)``: a recipe with these keys of AdaShare."""

    def make(**keys: Any) -> Recipe:
        adashare = {"search_epochs": 4, "warmup_epochs": 1} | keys
        return parse(
            {
                "name": "toy",
                "network": {"ResidualMLP": {"width": 8, "depth": BLOCKS}},
                "sharing": {"AdaShare": adashare},
                "data": [{"manifest": str(toy)}],
                "validation": {"manifest": str(toy), "split": "valid"},
                "batch_size": 20,
                "epochs": 1,
            }
        )

    return make


@pytest.mark.parametrize(("epochs", "blocks"), [(20, 8), (8, 8), (3, 8), (1, 4), (30, 1)])
def test_the_policy_opens_from_the_last_block_and_is_open_for_half_the_time(epochs: int, blocks: int) -> None:
    free = [opened(epoch, epochs, blocks) for epoch in range(epochs)]
    assert free == sorted(free)
    assert free[-1] == blocks
    assert min(free) >= 1
    assert sum(each == blocks for each in free) >= epochs / 2
    if epochs >= 2 * blocks:
        assert free[:blocks] == list(range(1, blocks + 1)), "one block an epoch, as in the paper"


def test_the_temperature_falls_from_the_warmest_to_the_coldest() -> None:
    values = [temperature(epoch, 5, 5.0, 0.5) for epoch in range(5)]
    assert values[0] == 5.0
    assert values[-1] == pytest.approx(0.5)
    assert np.allclose(np.diff(np.log(values)), np.log(0.1) / 4)
    assert temperature(0, 1, 5.0, 0.5) == 5.0


def test_the_two_halves_share_no_row_and_lose_none(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    searcher = PolicySearch.of(recipe(holdout=0.2), tmp_path)
    held, others = ({int(row) for row in half.sets[0].rows} for half in (searcher.policy_rows, searcher.weight_rows))
    assert len(held) == 20
    assert held | others == set(range(100))
    assert not held & others


def test_the_warm_up_moves_the_weights_alone_and_then_each_has_its_turn(
    recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    searcher = PolicySearch.of(recipe(policy_rate=0.1), tmp_path)

    def state() -> tuple[torch.Tensor, torch.Tensor]:
        weights = [each.detach().flatten() for name, each in searcher.bare.named_parameters() if name != "logits"]
        return torch.cat(weights).clone(), searcher.logits.detach().clone()

    before = state()
    searcher.train_step(0)
    after = state()
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])
    searcher.train_step(searcher.weight_rows.steps_per_epoch)
    later = state()
    assert torch.equal(after[1], later[1])
    means = searcher.policy_step(searcher.weight_rows.steps_per_epoch)
    last = state()
    assert {"policy.sign", "policy.odd", "policy.sparsity", "policy.sharing"} <= set(means)
    assert torch.equal(later[0], last[0])
    assert (later[1] != last[1]).any(1).tolist() == [False, True, True], "two of three blocks are open"


def test_a_search_ends_with_a_policy_that_trains(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    settings = recipe()
    ready = with_policy(settings, tmp_path)
    policy = ready.sharing.arguments["policy"]
    assert np.shape(policy) == (BLOCKS, 2)
    assert {type(each) for row in policy for each in row} == {bool}
    assert json.loads((tmp_path / "search/policy.json").read_text())["policy"] == policy
    assert ready.plain()["sharing"]["AdaShare"]["policy"] == policy
    assert parse(ready.plain()).plain() == ready.plain()
    trainer = Trainer.of(ready, tmp_path)
    trainer.train()
    network, card = load_network(tmp_path / "last")
    assert card["recipe"]["sharing"]["AdaShare"]["policy"] == policy
    assert set(network(torch.zeros(2, 4))) == {"sign", "odd"}
    again = Trainer.of(ready, tmp_path)
    again.resume()
    assert again.step == again.run.steps


def test_a_found_policy_is_used_again(
    recipe: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = with_policy(recipe(), tmp_path)
    monkeypatch.delattr(PolicySearch, "train")
    assert with_policy(recipe(), tmp_path).plain() == first.plain()
    with pytest.raises(RecipeError, match=r"policy\.json: was searched with other values of sharing; remove it"):
        with_policy(recipe(sparsity=0.5), tmp_path)
    (tmp_path / "search/policy.json").write_text("{")
    with pytest.raises(RecipeError, match="not a policy"):
        with_policy(recipe(), tmp_path)


def test_a_recipe_that_needs_no_search_stays(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    known = recipe(policy=[[True, True]] * BLOCKS)
    assert with_policy(known, tmp_path) is known
    plain = known.model_copy(update={"sharing": None})
    assert with_policy(plain, tmp_path) is plain
    assert not list(tmp_path.glob("search*"))


def test_a_search_that_was_cut_off_goes_on_to_the_same_end(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    settings = recipe(search_epochs=5, policy_rate=0.1)
    whole = search(settings, tmp_path / "whole")
    searcher = PolicySearch.of(settings, tmp_path / "cut")
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            searcher.train(stop=lambda: True)
    assert not (tmp_path / "cut/policy.json").exists()
    assert len(list((tmp_path / "cut").glob("moments-*.json"))) == 1
    assert search(settings, tmp_path / "cut") == whole
    one, two = (load_file(tmp_path / name / "last/network.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    logs = [(tmp_path / name / "log.csv").read_text() for name in ("whole", "cut")]
    assert logs[0] == logs[1]


def test_sparsity_and_sharing_pull_the_policy_where_they_say(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    def probabilities(name: str, **keys: Any) -> np.ndarray:
        search(recipe(search_epochs=5, policy_rate=0.3, **keys), tmp_path / name)
        return np.array(json.loads((tmp_path / name / "policy.json").read_text())["probabilities"])

    skipped = probabilities("sparse", sparsity=50.0, sharing=0.0)
    free = probabilities("free", sparsity=0.0, sharing=0.0)
    alike = probabilities("alike", sparsity=0.0, sharing=50.0)
    assert skipped.max() < 0.2
    assert free.max() > 0.8
    spread = np.abs(np.diff(alike, axis=1))[:-1].max()
    assert spread < np.abs(np.diff(free, axis=1))[:-1].max()


def test_a_set_too_small_to_hold_out_is_named(
    recipe: Callable[..., Recipe], make_set: Callable[..., Path], tmp_path: Path
) -> None:
    one = make_set(
        tmp_path / "one", [{"sign": "low", "odd": 1.0, "even": 0.0}], np.zeros((1, 4), np.float32), (SIGN, ODD)
    )
    data = recipe().plain()
    data["data"].append({"manifest": str(one), "size": 1})
    with pytest.raises(RecipeError, match="has 1 row, too few"):
        PolicySearch.of(parse(data), tmp_path / "run")
