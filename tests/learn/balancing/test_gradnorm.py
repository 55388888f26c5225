"""GradNorm: one step by hand, the paper's loss through autograd, and its weights over time."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from mien.learn.balancing import GradNorm


def weights_of(balancer: GradNorm) -> dict[str, float]:
    return dict(balancer.state()["weights"])


def test_a_step_by_hand(terms: Callable) -> None:
    balancer = GradNorm(alpha=2.0, rate=0.1)
    rows = [[3.0, 0.0], [0.0, 1.0]]
    assert balancer(*terms(rows, [2.0, 4.0])) == {"t0": 1.0, "t1": 1.0}
    # the first step: both rates are 1, the target is the mean norm 2; 3 > 2 falls by .1 * 3, 1 < 2 rises by .1 * 1
    first = {"t0": 0.7 * 2 / 1.8, "t1": 1.1 * 2 / 1.8}
    assert weights_of(balancer) == pytest.approx(first)
    assert balancer(*terms(rows, [1.0, 3.0])) == pytest.approx(first), "weights from before the update"
    # ratios .5 and .75, their mean .625, rates .8 and 1.2; norms 3 * .7778 = 2.3333 and 1.2222, their mean 1.7778;
    # targets 1.7778 * .64 = 1.1378, which 2.3333 is above, and 1.7778 * 1.44 = 2.56, which 1.2222 is below
    moved = [first["t0"] - 0.3, first["t1"] + 0.1]
    assert weights_of(balancer) == pytest.approx({"t0": moved[0] * 2 / sum(moved), "t1": moved[1] * 2 / sum(moved)})


def test_the_step_is_that_of_the_papers_loss() -> None:
    torch.manual_seed(1)
    heads, features = nn.ModuleList([nn.Linear(4, 2) for _ in range(3)]), torch.randn(6, 4, requires_grad=True)
    alpha, rate = 1.5, 0.05
    balancer = GradNorm(alpha, rate)
    balancer.load({"weights": {"a": 0.5, "b": 1.1, "c": 1.4}, "first": {"a": 2.0, "b": 0.3, "c": 1.0}})
    means = {name: head(features).square().mean() for name, head in zip("abc", heads, strict=True)}
    weights = torch.tensor([0.5, 1.1, 1.4], requires_grad=True)
    sizes = torch.stack(
        [
            torch.autograd.grad(weight * mean, features, create_graph=True)[0].norm()
            for weight, mean in zip(weights, means.values(), strict=True)
        ]
    )
    ratios = torch.stack([*means.values()]).detach() / torch.tensor([2.0, 0.3, 1.0])
    target = (sizes.mean() * (ratios / ratios.mean()) ** alpha).detach()
    (gradient,) = torch.autograd.grad((sizes - target).abs().sum(), weights)
    moved = weights.detach() - rate * gradient
    expected = moved * 3 / moved.sum()
    assert balancer(means, features) == {"a": 0.5, "b": 1.1, "c": 1.4}
    np.testing.assert_allclose([*weights_of(balancer).values()], expected, rtol=1e-5)


def test_the_weight_of_the_slow_term_rises(terms: Callable) -> None:
    balancer = GradNorm(alpha=1.5, rate=0.01)
    rows = [[1.0, 0.0], [0.0, 1.0]]
    for step in range(60):
        balancer(*terms(rows, [0.98**step, 0.9**step]))
    weights = weights_of(balancer)
    assert weights["t0"] > 1.2
    assert weights["t1"] < 0.8
    assert sum(weights.values()) == pytest.approx(2)


def test_alpha_0_makes_the_gradients_equal(terms: Callable) -> None:
    balancer = GradNorm(alpha=0.0, rate=0.002)
    rows = [[4.0, 0.0], [0.0, 1.0]]
    for _ in range(400):
        weights = balancer(*terms(rows, [1.0, 2.0]))
    assert 4 * weights["t0"] == pytest.approx(weights["t1"], rel=0.05)


def test_balancing_leaves_no_gradient_in_the_network() -> None:
    torch.manual_seed(0)
    trunk, heads = nn.Linear(3, 4), nn.ModuleDict({"a": nn.Linear(4, 1), "b": nn.Linear(4, 1)})
    inputs = torch.randn(5, 3)
    features = trunk(inputs)
    means = {name: head(features).square().mean() for name, head in heads.items()}
    balancer = GradNorm()
    weights = balancer(means, features)
    parameters = [*trunk.parameters(), *heads.parameters()]
    assert all(parameter.grad is None for parameter in parameters)
    assert all(type(weight) is float for weight in weights.values())
    sum(weights[name] * mean for name, mean in means.items()).backward()
    means = {name: head(trunk(inputs)).square().mean() for name, head in heads.items()}
    plain = torch.autograd.grad(sum(means.values()), parameters)
    for parameter, gradient in zip(parameters, plain, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)  # the first weights are 1


def test_absent_terms_keep_their_weight_and_the_sum_stays(terms: Callable) -> None:
    balancer = GradNorm(rate=0.1)
    rows = [[3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]
    means, features = terms(rows)
    balancer(means, features)
    before = weights_of(balancer)
    assert sum(before.values()) == pytest.approx(3)
    del means["t2"]
    assert balancer(means, features).keys() == {"t0", "t1"}
    after = weights_of(balancer)
    assert after["t2"] == before["t2"]
    assert after["t0"] != before["t0"]
    assert sum(after.values()) == pytest.approx(3)
    del means["t1"]
    balancer(means, features)
    assert weights_of(balancer) == pytest.approx(after), "a single term has nothing to be balanced with"


def test_a_late_term_starts_with_weight_1_and_its_own_first_loss(terms: Callable) -> None:
    balancer = GradNorm(rate=0.1)
    rows = [[3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]
    means, features = terms(rows)
    late = means.pop("t2")
    for _ in range(3):
        balancer(means, features)
    assert balancer({**means, "t2": 5 * late}, features)["t2"] == 1.0
    assert balancer.state()["first"] == {"t0": 1.0, "t1": 1.0, "t2": 5.0}
    assert sum(weights_of(balancer).values()) == pytest.approx(3)


def test_weights_do_not_fall_below_the_floor(terms: Callable) -> None:
    balancer = GradNorm(rate=10.0, floor=0.01)
    balancer(*terms([[3.0, 0.0], [0.0, 1.0]]))
    scale = 2 / (0.01 + 11.0)  # 1 - 10 * 3 is below the floor; 1 + 10 * 1 is not
    assert weights_of(balancer) == pytest.approx({"t0": 0.01 * scale, "t1": 11.0 * scale})


def test_losses_of_0_and_below_keep_the_weights(terms: Callable) -> None:
    balancer = GradNorm()
    rows = np.eye(2)
    assert balancer(*terms(rows, [0.0, 1.0])) == {"t0": 1.0, "t1": 1.0}
    assert balancer.state()["first"] == {"t1": 1.0}
    assert weights_of(balancer) == {"t0": 1.0, "t1": 1.0}, "one known term has nothing to be balanced with"
    balancer(*terms(rows, [2.0, 1.0]))
    balancer(*terms(rows, [-1.0, 0.0]))
    balancer(*terms(np.zeros((2, 2)), [0.0, 0.0]))
    assert balancer.state()["first"] == {"t0": 2.0, "t1": 1.0}
    assert weights_of(balancer) == pytest.approx({"t0": 1.0, "t1": 1.0})


def test_state_survives_json(terms: Callable) -> None:
    first, second = GradNorm(rate=0.1), GradNorm(rate=0.1)
    rows = [[3.0, 0.0], [0.5, 1.0]]
    for value in (1.0, 0.7):
        first(*terms(rows, [value, 1.0]))
    second.load(json.loads(json.dumps(first.state())))
    for value in (0.5, 0.4):
        assert first(*terms(rows, [value, 1.0])) == second(*terms(rows, [value, 1.0]))
    assert first.state() == second.state()


@pytest.mark.parametrize("key", ["alpha", "rate", "floor"])
def test_invalid_values_are_rejected(key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: must .*, not -1.0"):
        GradNorm(**{key: -1.0})
