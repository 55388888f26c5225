"""The step of Algorithm 1 against a naive one, its freezing and its skips."""

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mien.learn import caf
from mien.learn.batch import Batch
from mien.learn.models.network import FEATURES
from mien.learn.recipe import parse
from mien.learn.train.adversary import SKIPPED, Adversary
from mien.learn.train.optimiser import learning_rate
from mien.learn.train.trainer import DivergedError, Trainer

Recipes = Callable[..., dict[str, Any]]
ORDERS = list(itertools.permutations(["critic", "adversarial", "regression"]))


def trainer(data: dict[str, Any], folder: Path) -> Trainer:
    return Trainer.of(parse(data), folder)


def weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def naive(run: Trainer, steps: int) -> None:
    """Algorithm 1, each phase with a forward pass of its own, a plain backward, and gradients that are thrown away."""
    assert run.adversary is not None
    adversary, network, recipe = run.adversary, run.bare, run.recipe
    rate = recipe.adversarial.optimizer.rate
    optimizers = {
        "critic": torch.optim.Adam(adversary.critic.parameters(), rate),
        "adversarial": torch.optim.Adam(adversary.encoder, rate),
        "regression": torch.optim.Adam(network.parameters(), recipe.optimizer.rate, betas=(0.5, 0.9)),
    }
    clipped = {"critic": adversary.critic.parameters, "adversarial": lambda: adversary.encoder,
               "regression": network.parameters}  # fmt: skip
    for step in range(steps):
        batch = run.mixing.batch(step)
        known = batch.mask["affect"].all(1)
        radius = batch.labels["affect"].norm(dim=1)
        strong, weak = known & (radius >= adversary.radius), known & (radius < adversary.radius)
        for phase in recipe.adversarial.order:
            outputs = network(batch.images)
            if phase == "regression":
                loss, _ = run.objective(outputs, batch)
            else:
                z = adversary.critic(outputs[FEATURES])
                made = adversary.critic
                loss = made.critic_loss(z[strong], z[weak], 0) if phase == "critic" else -z[weak].mean()
            for optimizer in optimizers.values():
                optimizer.zero_grad()
            loss.backward()
            factor = learning_rate(step, run.run.steps, recipe.schedule)
            for group in optimizers[phase].param_groups:
                group["lr"] = factor * (recipe.optimizer.rate if phase == "regression" else rate)
            nn.utils.clip_grad_norm_(clipped[phase](), 5.0)
            optimizers[phase].step()


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_an_exact_step_is_a_naive_one(order: tuple[str, ...], caf_recipe: Recipes, tmp_path: Path) -> None:
    data = caf_recipe({"order": list(order)})
    run, other = trainer(data, tmp_path / "a"), trainer(data, tmp_path / "b")
    assert run.adversary is not None
    assert other.adversary is not None
    other.adversary.critic.load_state_dict(run.adversary.critic.state_dict())
    before = weights(run.bare)
    for step in range(3):
        means = run.train_step(step)
        assert set(means) == {"affect", "critic", "adversarial", SKIPPED}
    naive(other, 3)
    for module, its_twin in ((run.bare, other.bare), (run.adversary.critic, other.adversary.critic)):
        for name, value in weights(module).items():
            torch.testing.assert_close(value, weights(its_twin)[name], rtol=1e-4, atol=1e-6, msg=name)
    assert any(not torch.equal(value, before[name]) for name, value in weights(run.bare).items())


def test_a_shared_step_takes_both_gradients_where_it_began(caf_recipe: Recipes, tmp_path: Path) -> None:
    data = caf_recipe({"forward": "shared"}, optimizer={"kind": "sgd", "rate": 0.1, "momentum": 0, "weight_decay": 0})
    data["adversarial"]["optimizer"] = {"kind": "sgd", "rate": 0.2, "momentum": 0, "weight_decay": 0}
    run = trainer(data, tmp_path)
    assert run.adversary is not None
    before, batch, twin = weights(run.bare), run.mixing.batch(0), copy.deepcopy(run.bare)
    names = [name for name, _ in run.bare.named_parameters() if not name.startswith("heads.")]
    outputs = twin(batch.images)
    loss, _ = run.objective(outputs, batch)
    regression = dict(zip(before, torch.autograd.grad(loss, list(twin.parameters()), retain_graph=True), strict=True))
    run.train_step(0)
    z = run.adversary.critic(outputs[FEATURES])  # as it is after its own phase
    encoder = [weight for name, weight in twin.named_parameters() if name in names]
    adversarial = torch.autograd.grad(-z[run.adversary.groups(batch)[1]].mean(), encoder)
    against = dict(zip(names, adversarial, strict=True))
    for name, value in weights(run.bare).items():
        expected = before[name] - 0.1 * regression[name]
        expected = expected - 0.2 * against[name] if name in against else expected
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_as_few_forward_passes_as_the_mathematics_allows(
    order: tuple[str, ...], caf_recipe: Recipes, tmp_path: Path
) -> None:
    passes = {}
    for forward in ("exact", "shared"):
        run = trainer(caf_recipe({"order": list(order), "forward": forward}), tmp_path)
        seen: list[int] = []
        run.bare.register_forward_hook(lambda *_, seen=seen: seen.append(1))
        run.train_step(0)
        passes[forward] = len(seen)
    # a critic that comes last sees the encoder as the others left it
    assert passes == {"exact": 3 if order[-1] == "critic" else 2, "shared": 1}


def adversary(run: Trainer) -> Adversary:
    assert run.adversary is not None
    return run.adversary


def test_each_phase_moves_its_own_weights_alone(caf_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(caf_recipe(), tmp_path)
    against, batch = adversary(run), run.mixing.batch(0)
    groups = against.groups(batch)
    encoder, critic = weights(run.bare), weights(against.critic)
    against.critic_phase(run.bare(batch.images)[FEATURES], groups, 0)
    assert all(torch.equal(value, encoder[name]) for name, value in weights(run.bare).items())
    assert any(not torch.equal(value, critic[name]) for name, value in weights(against.critic).items())
    critic = weights(against.critic)
    gradients, _ = against.adversarial_phase(run.bare(batch.images)[FEATURES], groups)
    against._update_encoder(gradients)
    assert all(torch.equal(value, critic[name]) for name, value in weights(against.critic).items())
    moved = {name for name, value in weights(run.bare).items() if not torch.equal(value, encoder[name])}
    assert moved
    assert not any(name.startswith("heads.") for name in moved)
    assert all(parameter.grad is None for parameter in (*run.bare.parameters(), *against.critic.parameters()))


def test_the_weight_is_a_factor_of_the_adversarial_gradient(caf_recipe: Recipes, tmp_path: Path) -> None:
    found = []
    for weight in (1.0, 0.25):
        run = trainer(caf_recipe({"weight": weight}), tmp_path)
        batch = run.mixing.batch(0)
        features = run.bare(batch.images)[FEATURES]
        gradients, means = adversary(run).adversarial_phase(features, adversary(run).groups(batch))
        assert gradients is not None
        found.append([*gradients, torch.tensor(means["adversarial"])])
    for whole, quarter in zip(*found, strict=True):
        torch.testing.assert_close(quarter, 0.25 * whole)


def test_the_critic_s_move_is_clipped_and_follows_the_schedule(caf_recipe: Recipes, tmp_path: Path) -> None:
    optimizer = {"kind": "sgd", "rate": 0.2, "momentum": 0, "weight_decay": 0, "clip": 0.01}
    schedule = {"warmup": 0, "decay": "staircase", "every": 1, "factor": 0.5}
    run = trainer(caf_recipe({"optimizer": optimizer}, schedule=schedule), tmp_path)
    before = weights(adversary(run).critic)
    run.train_step(1)
    moved = [(value - before[name]).flatten() for name, value in weights(adversary(run).critic).items()]
    assert float(torch.cat(moved).norm()) == pytest.approx(0.2 * 0.5 * 0.01, rel=0.02)


def test_the_critic_is_told_the_passes_over_the_training_set(caf_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(caf_recipe(), tmp_path)
    told: list[int] = []
    ordinary = adversary(run).critic.critic_loss

    def listen(strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        told.append(epoch)
        return ordinary(strong, weak, epoch)

    adversary(run).critic.critic_loss = listen  # type: ignore[method-assign]
    for step in (0, run.mixing.steps_per_epoch - 1, 2 * run.mixing.steps_per_epoch):
        run.train_step(step)
    assert told == [0, 0, 2]
    assert adversary(run).critic.training, "its dropout is at work"


def batch_of(labels: list[list[float]]) -> Batch:
    """Rows with these labels; NaN: not labelled."""
    values = torch.tensor(labels)
    known = ~values.isnan()
    return Batch(torch.zeros(len(labels), 6), {"affect": values.nan_to_num()}, {"affect": known})


NAN = float("nan")
ONE_SIDED = {
    "no strong": [[0.0, 0.0]] * 4,
    "no weak": [[0.9, 0.9]] * 4,
    "one strong": [[0.9, 0.9], [0.0, 0.1], [0.1, 0.0]],
    "nothing labelled": [[NAN, NAN]] * 3,
    "half labels": [[0.9, NAN], [NAN, 0.9], [0.0, NAN], [0.9, 0.9], [0.0, 0.0]],
}


@pytest.mark.parametrize("case", ONE_SIDED)
def test_a_batch_without_a_group_is_counted_and_moves_nothing(case: str, caf_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(caf_recipe(), tmp_path)
    against, critic = adversary(run), weights(adversary(run).critic)
    groups = against.groups(batch_of(ONE_SIDED[case]))
    features = torch.randn(len(ONE_SIDED[case]), 8, requires_grad=True)
    assert against.critic_phase(features, groups, 0) == {SKIPPED: 1.0}
    assert against.adversarial_phase(features, groups) == (None, {})
    assert all(torch.equal(value, critic[name]) for name, value in weights(against.critic).items())


def test_rows_without_labels_change_nothing(caf_recipe: Recipes, tmp_path: Path) -> None:
    labels = [[0.9, 0.8], [-0.9, 0.9], [0.0, 0.1], [0.1, -0.1]]
    features = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
    losses = []
    for rows, kept in ((labels, features[:4]), ([*labels, [NAN, NAN], [0.9, NAN]], features)):
        run = trainer(caf_recipe(), tmp_path)
        torch.manual_seed(1)
        adversary(run).critic.load_state_dict(caf.ContrastiveCritic(8, dropout=0.0).state_dict())
        losses.append(adversary(run).critic_phase(kept, adversary(run).groups(batch_of(rows)), 0)["critic"])
    assert losses[0] == pytest.approx(losses[1])


def test_the_share_of_skipped_steps_is_logged(caf_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(caf_recipe({"grouping": {"FixedRadius": {"radius": 0.9}}}, batch_size=4), tmp_path)
    run.train()
    header, first, _ = (tmp_path / "log.csv").read_text().splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert 0 < float(row[f"loss.{SKIPPED}"]) < 1
    assert float(row["affect.ccc"]) == float(row["affect.ccc"])


@pytest.mark.parametrize("change", [{"precision": "bf16"}, {"micro_batches": 3}, {"adversarial": "shared"}])
def test_it_works_with_amp_and_accumulation(change: dict[str, Any], caf_recipe: Recipes, tmp_path: Path) -> None:
    against = {"forward": "shared"} if "adversarial" in change else {}
    rest = {key: value for key, value in change.items() if key != "adversarial"}
    run, plain = trainer(caf_recipe(against, **rest), tmp_path / "a"), trainer(caf_recipe(against), tmp_path / "b")
    adversary(plain).critic.load_state_dict(adversary(run).critic.state_dict())
    for step in range(2):
        run.train_step(step)
        plain.train_step(step)
    tolerance = 0.03 if "precision" in change else 1e-5
    for name, value in weights(run.bare).items():
        torch.testing.assert_close(value, weights(plain.bare)[name], rtol=0, atol=tolerance, msg=name)


@pytest.mark.parametrize("forward", ["exact", "shared"])
def test_an_interrupted_run_ends_as_an_unbroken_one(forward: str, caf_recipe: Recipes, tmp_path: Path) -> None:
    data = caf_recipe({"forward": forward, "stratify": True, "critic": "ContrastiveCritic"}, save_every=1)
    trainer(data, tmp_path / "unbroken").train()
    broken = trainer(data, tmp_path / "broken")
    with pytest.raises(KeyboardInterrupt):
        broken.train(stop=lambda: broken.step == 4)
    torch.manual_seed(99)
    second = trainer(data, tmp_path / "broken")
    second.resume()
    assert second.step == 4
    second.train()
    for name in ("network", "optimizer", "critic", "critic_optimizer", "encoder_optimizer"):
        one, two = ((tmp_path / run / f"last/{name}.safetensors").read_bytes() for run in ("unbroken", "broken"))
        assert one == two, name
    assert (tmp_path / "unbroken/log.csv").read_bytes() == (tmp_path / "broken/log.csv").read_bytes()


def test_only_encoder_and_regressor_are_exported(caf_recipe: Recipes, tmp_path: Path) -> None:
    from mien.learn.checkpoint import load_network

    trainer(caf_recipe(epochs=1), tmp_path).train()
    network, _ = load_network(tmp_path / "last")
    assert not [name for name, _ in network.named_parameters() if "critic" in name]
    assert set(network(torch.zeros(2, 6))) == {FEATURES, "affect"}


def test_a_stratified_run_has_both_groups_in_every_step(caf_recipe: Recipes, tmp_path: Path) -> None:
    counts = {}
    for stratify in (False, True):
        run = trainer(caf_recipe({"stratify": stratify}, batch_size=10), tmp_path)
        steps = range(3 * run.mixing.steps_per_epoch)
        counts[stratify] = [tuple(map(len, adversary(run).groups(run.mixing.batch(step)))) for step in steps]
    assert np.ptp([strong for strong, _ in counts[True]]) <= 1
    assert np.ptp([strong for strong, _ in counts[False]]) > 2
    assert sum(map(sum, counts[True])) == sum(map(sum, counts[False]))


def test_a_loss_that_is_not_finite_ends_the_run(caf_recipe: Recipes, tmp_path: Path) -> None:
    run = trainer(caf_recipe(), tmp_path)
    with torch.no_grad():
        next(iter(adversary(run).critic.parameters())).fill_(float("nan"))
    with pytest.raises(DivergedError, match="the loss critic is nan at step 0"):
        run.train_step(0)
