"""Uncertainty weighting against autograd through the whole loss."""

import json
import math

import pytest
import torch

from mien.learn.balancing import UncertaintyWeighting


def test_weights_and_updates_agree_with_autograd() -> None:
    balancer = UncertaintyWeighting(regression=("value",), rate=0.1)
    s = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    for step in range(20):
        losses = torch.tensor([2.0 / (1 + step), 0.3 + step / 20], dtype=torch.float64, requires_grad=True)
        factors = torch.tensor([1.0, 0.5], dtype=torch.float64)
        whole = (factors * torch.exp(-s) * losses + s / 2).sum()
        by_loss, by_s = torch.autograd.grad(whole, (losses, s))
        weights = balancer({"class": losses[0], "value": losses[1]})
        assert [*weights.values()] == pytest.approx(by_loss.tolist(), rel=1e-6)
        s = (s - 0.1 * by_s).detach().requires_grad_()
        assert [*balancer.state()["s"].values()] == pytest.approx(s.tolist(), abs=1e-6)


def test_every_weighted_loss_settles_at_a_half() -> None:
    balancer = UncertaintyWeighting(regression=("b",), rate=0.2)
    means = {"a": torch.tensor(3.0), "b": torch.tensor(0.1)}
    for _ in range(300):
        weights = balancer(means)
    assert {name: weights[name] * float(means[name]) for name in means} == pytest.approx({"a": 0.5, "b": 0.5})
    assert weights["b"] > weights["a"]


def test_absent_terms_keep_their_s() -> None:
    balancer = UncertaintyWeighting(rate=0.1)
    balancer({"a": torch.tensor(3.0), "b": torch.tensor(2.0)})
    before = balancer.state()["s"]["b"]
    assert balancer({"a": torch.tensor(3.0)}).keys() == {"a"}
    assert balancer.state()["s"]["b"] == before != 0


@pytest.mark.parametrize("loss", [0.0, -1.0, 1e6])
def test_weights_are_bounded(loss: float) -> None:
    balancer = UncertaintyWeighting(rate=0.5, bound=2.0)
    for _ in range(50):
        weight = balancer({"a": torch.tensor(loss)})["a"]
    assert weight == pytest.approx(math.exp(-2 if loss > 1 else 2))


def test_nothing_is_differentiated() -> None:
    parameter = torch.ones(3, requires_grad=True)
    weights = UncertaintyWeighting()({"a": parameter.square().sum()})
    assert parameter.grad is None
    assert type(weights["a"]) is float


def test_state_survives_json() -> None:
    first, second = UncertaintyWeighting(rate=0.1), UncertaintyWeighting(rate=0.1)
    for value in (1.0, 0.7):
        first({"a": torch.tensor(value), "b": torch.tensor(2.0)})
    second.load(json.loads(json.dumps(first.state())))
    assert first({"b": torch.tensor(0.3)}) == second({"b": torch.tensor(0.3)})
    assert first.state() == second.state()


@pytest.mark.parametrize("key", ["rate", "bound"])
def test_invalid_values_are_rejected(key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: must be above 0, not 0"):
        UncertaintyWeighting(**{key: 0.0})
