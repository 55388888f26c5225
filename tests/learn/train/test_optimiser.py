"""The optimiser, and the learning rate over the steps."""

import pytest
import torch

from mien.learn.recipe.settings import Optimizer, Schedule
from mien.learn.train.optimiser import learning_rate, optimizer_of


def test_the_rate_rises_and_falls() -> None:
    cosine = [learning_rate(step, 100, Schedule(warmup=0.1)) for step in range(100)]
    assert cosine[:10] == sorted(cosine[:10])
    assert cosine[10] == 1 == max(cosine)
    assert cosine[10:] == sorted(cosine[10:], reverse=True)
    assert cosine[55] == pytest.approx(0.5)
    assert 0 < cosine[-1] < 0.01
    assert 0 < cosine[0] < 0.1
    constant = [learning_rate(step, 100, Schedule(warmup=0, decay="constant")) for step in range(100)]
    assert set(constant) == {1.0}


@pytest.mark.parametrize(
    ("kind", "family"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_each_kind_is_its_optimiser(kind: str, family: type[torch.optim.Optimizer]) -> None:
    network = torch.nn.Linear(2, 3)
    settings = Optimizer.model_validate({"kind": kind, "rate": 0.2, "weight_decay": 0.01})
    made = optimizer_of(settings, network.parameters())
    assert type(made) is family
    (group,) = made.param_groups
    assert (group["lr"], group["weight_decay"], len(group["params"])) == (0.2, 0.01, 2)


def test_a_staircase_falls_after_each_stretch_of_steps() -> None:
    schedule = Schedule(warmup=0, decay="staircase", factor=0.5, every=10)
    rates = [learning_rate(step, 100, schedule) for step in range(100)]
    assert rates == [0.5 ** (step // 10) for step in range(100)]


def test_adam_forgets_as_it_is_told() -> None:
    settings = Optimizer.model_validate({"kind": "adam", "betas": [0.5, 0.9]})
    assert optimizer_of(settings, torch.nn.Linear(1, 1).parameters()).param_groups[0]["betas"] == (0.5, 0.9)
