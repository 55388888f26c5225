"""The run as a whole: a value, built in an order that refuses early, and resumed bit for bit."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mien.learn.models.residual_mlp import ResidualMLP
from mien.learn.recipe import RecipeError, parse
from mien.learn.train.objective import BalancingError
from mien.learn.train.setup.run import build_run
from mien.learn.train.trainer import Trainer

Recipes = Callable[..., dict[str, Any]]


def trainer(data: dict[str, Any], folder: Path) -> Trainer:
    return Trainer.of(parse(data), folder)


def test_a_run_is_a_value(shop_recipe: Recipes, tmp_path: Path) -> None:
    parsed = parse(shop_recipe(couplings=["DistributionMatching"]))
    one, other = build_run(parsed), build_run(parsed)
    with pytest.raises(FrozenInstanceError):
        one.select = "other"  # type: ignore[misc]
    weights = (run.network.state_dict() for run in (one, other))
    assert all(torch.equal(a, b) for a, b in zip(*(each.values() for each in weights), strict=True))
    Trainer(one, tmp_path).train()
    assert not all(torch.equal(a, b) for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True))
    again = build_run(parsed)
    assert all(torch.equal(a, b) for a, b in zip(other.network.parameters(), again.network.parameters(), strict=True))


def test_a_recipe_that_does_not_fit_is_refused_before_teachers_predict(
    shop_recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("mien.learn.train.setup.run.fill_labels", lambda mixing, *_: asked.append(mixing) or mixing)
    for wrong in ({"weights": {"colour": 1}}, {"select": "garment.acuracy"}, {"network": "FaceBehaviorNet"}):
        with pytest.raises(RecipeError):
            build_run(parse(shop_recipe(teachers=["runs/any"], **wrong)))
    assert not asked
    build_run(parse(shop_recipe(teachers=["runs/any"])))
    assert len(asked) == 1


def test_untaught_labels_are_named(plain_recipe: Recipes, tmp_path: Path) -> None:
    alone = trainer(plain_recipe(), tmp_path).run.untaught
    assert {"anger", "AU04", "arousal"} <= set(alone)
    assert not {"happiness", "AU12", "valence"} & set(alone)
    assert trainer(plain_recipe(couplings=["DistributionMatching"]), tmp_path).run.untaught == ["AU14", "arousal"]
    untaught = trainer(plain_recipe(couplings=["AffectMatching"]), tmp_path).run.untaught
    assert "AU04" in untaught
    assert not {"anger", "arousal"} & set(untaught)


def test_a_resumed_run_reads_no_pretrained_weights(
    shop_recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(ResidualMLP, "load_pretrained", lambda self: loaded.append(self), raising=False)
    trainer(shop_recipe(), tmp_path).save("last")
    assert len(loaded) == 1
    trainer(shop_recipe(), tmp_path).resume()
    assert len(loaded) == 1


def test_probes_need_shared_features(shop_recipe: Recipes, shop: Path, tmp_path: Path) -> None:
    probes = {"who": {"manifest": str(shop), "split": "all"}}
    with pytest.raises(
        RecipeError, match="probes: needs features that all tasks share; with TaskRouting each task has its own"
    ):
        trainer(shop_recipe(sharing="TaskRouting", probes=probes), tmp_path)


def test_negative_losses_that_cannot_be_balanced_are_refused(shop_recipe: Recipes, tmp_path: Path) -> None:
    below_0 = [{"DistributionMatching": {"outcomes": "positive"}}]
    run = trainer(shop_recipe(balancing={"MgdaUb": {"normalise": "loss"}}, couplings=below_0), tmp_path)
    with pytest.raises(BalancingError, match="balancing: normalise: loss needs losses of 0 or more"):
        run.train()


BALANCERS = ["MgdaUb", "GradNorm", "UncertaintyWeighting", {"GramianWeights": {"weighting": "UPGrad"}}]


@pytest.mark.parametrize(
    "balancing", BALANCERS, ids=lambda entry: entry if isinstance(entry, str) else next(iter(entry))
)
def test_a_balanced_run_resumes_bit_for_bit(balancing: Any, shop_recipe: Recipes, tmp_path: Path) -> None:
    data = shop_recipe(balancing=balancing, couplings=["DistributionMatching"], save_every=1)
    trainer(data, tmp_path / "whole").train()
    cut = trainer(data, tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.train(stop=lambda: cut.step >= 3)
    again = trainer(data, tmp_path / "cut")
    again.resume()
    again.train()
    whole, resumed = (load_file(tmp_path / name / "last/network.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    plain = trainer(shop_recipe(couplings=["DistributionMatching"]), tmp_path / "plain")
    plain.train()
    other = load_file(tmp_path / "plain/last/network.safetensors")
    assert any(not torch.allclose(whole[name], other[name]) for name in whole)
