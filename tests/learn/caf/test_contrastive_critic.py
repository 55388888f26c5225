"""CAF's critic: eq. 3, 4, 6 and 7 of papers/001 against slow loops and closed forms."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.caf import AdaptiveMargin, ConstantMargin, ContrastiveCritic, Critic, LinearMargin, ReleasedMargin
from mien.learn.caf.contrastive_critic import RHO, contrastive

GRID = np.linspace(-12, 12, 20001)


def chi_squared_bound(p: Tensor, q: Tensor) -> Tensor:
    """Eq. 3 from f at samples of P and of Q.

    Its largest value over all f is 1/2 of the integral of (P - Q)^2 / (P + Q), at f = 2 (P - Q) / (P + Q).
    """
    return p.mean() - (p.mean() + q.mean()) / 2 - (p.square().mean() + q.square().mean()) / 8


def density(values: np.ndarray, mean: float, spread: float) -> np.ndarray:
    return np.exp(-((values - mean) ** 2) / (2 * spread**2)) / (spread * math.sqrt(2 * math.pi))


def divergence(apart: float) -> float:
    """1/2 of the integral of (P - Q)^2 / (P + Q) of two Gaussians, by numerical integration."""
    p, q = density(GRID, 0, 1), density(GRID, apart, 1)
    return float(np.trapezoid((p - q) ** 2 / (p + q), GRID) / 2)


def test_the_best_function_reaches_the_bound() -> None:
    apart, n = 1.5, 400_000
    draw = np.random.default_rng(0)
    p, q = draw.normal(0, 1, n), draw.normal(apart, 1, n)

    def best(x: np.ndarray) -> Tensor:
        a, b = density(x, 0, 1), density(x, apart, 1)
        return torch.tensor(2 * (a - b) / (a + b))

    reached = float(chi_squared_bound(best(p), best(q)))
    assert reached == pytest.approx(divergence(apart), abs=0.005)
    for factor in (0.5, 0.8, 1.25, 2.0):
        assert float(chi_squared_bound(factor * best(p), factor * best(q))) < reached
    assert float(chi_squared_bound(best(q), best(p))) < 0


def test_a_trained_function_raises_the_bound_to_the_divergence() -> None:
    torch.manual_seed(0)
    f = torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
    optimizer = torch.optim.Adam(f.parameters(), 0.01)
    for _ in range(400):
        p, q = torch.randn(1000, 1), torch.randn(1000, 1) + 1.5
        optimizer.zero_grad()
        (-chi_squared_bound(f(p)[:, 0], f(q)[:, 0])).backward()
        optimizer.step()
    with torch.no_grad():
        reached = chi_squared_bound(f(torch.randn(100_000, 1))[:, 0], f(torch.randn(100_000, 1) + 1.5)[:, 0])
    assert float(reached) == pytest.approx(divergence(1.5), rel=0.05)


@pytest.mark.parametrize(("squared", "same", "expected"), [(2.0, True, -2), (2.0, False, 0), (0.2, False, 0.3)])
def test_contrastive_function(squared: float, same: bool, expected: float) -> None:
    assert float(contrastive(torch.tensor(squared), same, 0.5)) == pytest.approx(expected)


def critic(**options: Any) -> ContrastiveCritic:
    torch.manual_seed(0)
    return ContrastiveCritic(5, **{"margin": ConstantMargin(1.5), **options})


def groups(seed: int = 0, strong: int = 6, weak: int = 4) -> tuple[Tensor, Tensor]:
    draw = np.random.default_rng(seed)
    return tuple(torch.tensor(draw.normal(0, 0.5, (n, 3)), requires_grad=True) for n in (strong, weak))  # type: ignore[return-value]


def slow(strong: np.ndarray, weak: np.ndarray, margin: np.ndarray, pairs: str) -> tuple[list[float], list[float]]:
    """f_cont of every positive and every negative pair."""
    n = min(len(strong), len(weak))
    if pairs == "all":
        near = [(i, j) for i in range(len(strong)) for j in range(i + 1, len(strong))]
        far = [(i, j) for i in range(len(strong)) for j in range(len(weak))]
    else:
        near = [(i, n - 1 - i) for i in range(n) if i != n - 1 - i]
        far = [(i, n - 1 - i) for i in range(n)]
    return (
        [-float(((strong[i] - strong[j]) ** 2).sum()) for i, j in near],
        [max(0.0, margin[i] - float(((strong[i] - weak[j]) ** 2).sum())) for i, j in far],
    )


@pytest.mark.parametrize("pairs", ["all", "mirrored"])
@pytest.mark.parametrize("second_order", ["chi_squared", "released", "none"])
@pytest.mark.parametrize("margin", [ConstantMargin(1.5), AdaptiveMargin(), ReleasedMargin()], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_slow_loop(pairs: str, second_order: str, margin: Any, seed: int) -> None:
    strong, weak = groups(seed)
    alpha = margin.between(strong.detach(), weak.detach(), 0).expand(len(strong)).numpy()
    near, far = slow(strong.detach().numpy(), weak.detach().numpy(), alpha, pairs)
    mean, squares = -np.mean(near), (np.mean(np.square(near)), np.mean(np.square(far)))
    slack = 1 - sum(squares) / 2
    expected = {
        "none": mean + np.mean(far) / 2,
        "chi_squared": mean + np.mean(far) / 2 + sum(squares) / 8,
        "released": mean + np.mean(far) - RHO / 2 * slack**2,
    }[second_order]
    made = critic(margin=margin, pairs=pairs, second_order=second_order)
    loss = made.critic_loss(strong, weak, 0)
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    if second_order == "released":
        assert float(made.multiplier) == pytest.approx(RHO * slack, rel=1e-5)


def test_the_margin_has_no_gradient() -> None:
    strong, weak = groups(0, 4, 3)
    held = float(AdaptiveMargin().between(strong.detach(), weak.detach(), 0))

    def loss(s: Tensor, w: Tensor) -> Tensor:
        return critic(margin=ConstantMargin(held)).critic_loss(s, w, 0)

    adaptive = torch.autograd.grad(critic(margin=AdaptiveMargin()).critic_loss(strong, weak, 0), (strong, weak))
    constant = torch.autograd.grad(loss(strong, weak), (strong, weak))
    for first, second in zip(adaptive, constant, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-7)
    assert torch.autograd.gradcheck(loss, (strong, weak), atol=1e-5)


def test_the_released_penalty_has_the_sign_of_a_loss_that_is_maximised(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a rho large enough to matter next to the other terms."""
    strong, weak = groups()
    near, far = slow(strong.detach().numpy(), weak.detach().numpy(), np.full(len(strong), 1.5), "all")
    slack = 1 - (np.mean(np.square(near)) + np.mean(np.square(far))) / 2
    monkeypatch.setattr("mien.learn.caf.contrastive_critic.RHO", 0.5)
    made = critic(second_order="released")
    made.multiplier.fill_(0.3)
    expected = -np.mean(near) + np.mean(far) + 0.3 * slack - 0.25 * slack**2
    assert made.critic_loss(strong, weak, 0).item() == pytest.approx(expected, abs=1e-6)
    assert float(made.multiplier) == pytest.approx(0.3 + 0.5 * slack, abs=1e-6)


def test_the_margin_depends_on_the_epoch() -> None:
    strong, weak = groups()
    made = critic(margin=LinearMargin(start=0.5, slope=0.1))
    assert made.critic_loss(strong, weak, 7).item() == pytest.approx(
        critic(margin=ConstantMargin(1.2)).critic_loss(strong, weak, 0).item()
    )


@pytest.mark.parametrize("second_order", ["chi_squared", "none"])
def test_the_minimum_is_zero_with_strong_samples_together_and_weak_ones_far(second_order: str) -> None:
    made = critic(second_order=second_order)
    strong = torch.zeros(3, 3, requires_grad=True)
    loss = made.critic_loss(strong, torch.full((2, 3), 2.0), 0)
    assert loss.item() == 0
    strong, weak = groups(1)
    assert made.critic_loss(strong, weak, 0).item() > 0


def test_the_loss_is_the_negative_bound_over_pairs() -> None:
    """Eq. 3 with f = f_cont, except that P + Q in its middle term is pairs of two groups, as in eq. 6 and 7."""
    strong, weak = groups(2)
    near, far = (torch.tensor(f) for f in slow(strong.detach().numpy(), weak.detach().numpy(), np.full(6, 1.5), "all"))
    bound = float(chi_squared_bound(near, far)) + float(near.mean()) / 2
    assert critic().critic_loss(strong, weak, 0).item() == pytest.approx(-bound, rel=1e-6)


def test_the_adversarial_loss_is_minus_the_mean_of_the_weak_outputs() -> None:
    strong, weak = groups()
    loss = critic().adversarial_loss(strong, weak)
    assert loss.item() == pytest.approx(-float(weak.detach().numpy().mean()))
    loss.backward()
    assert strong.grad is None
    assert weak.grad is not None


@pytest.mark.parametrize("second_order", ["chi_squared", "released", "none"])
@pytest.mark.parametrize("pairs", ["all", "mirrored"])
@pytest.mark.parametrize("bound", ["tanh", "none"])
@pytest.mark.parametrize("case", ["constant", "least", "spread 5"])
def test_hard_inputs_have_finite_losses_and_gradients(second_order: str, pairs: str, bound: str, case: str) -> None:
    features = {
        "constant": torch.ones(7, 5),
        "least": torch.randn(3, 5),
        "spread 5": 100 * torch.randn(40, 5),
    }[case]
    made = critic(margin=AdaptiveMargin(), second_order=second_order, pairs=pairs, bound=bound)
    z = made(features)
    strong = len(z) - max(1, len(z) // 3)
    loss = made.critic_loss(z[:strong], z[strong:], 0) + made.adversarial_loss(z[:strong], z[strong:])
    gradients = torch.autograd.grad(loss, list(made.parameters()))
    assert torch.isfinite(loss)
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_a_critic_learns_to_separate_two_groups() -> None:
    made = critic(margin=AdaptiveMargin(), dropout=0.0)
    optimizer = torch.optim.Adam(made.parameters(), 1e-2)
    draw = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(150):
        strong, weak = torch.randn(30, 5, generator=draw) + 1, torch.randn(30, 5, generator=draw) - 1
        z_strong, z_weak = made(strong), made(weak)
        loss = made.critic_loss(z_strong, z_weak, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-10:]) < 0.5 * losses[0]
    within = torch.cdist(z_strong, z_strong).square().mean()
    between = torch.cdist(z_strong, z_weak).square().mean()
    assert between > 2 * within


def test_layers_are_those_of_the_release() -> None:
    made = Critic(9216)
    assert sum(parameter.numel() for parameter in made.parameters()) == 592_496  # 0.59 M
    assert Critic(9216, bound="none")(torch.full((1, 9216), 1e3)).abs().max() > 1
    assert made(torch.full((2, 9216), 1e3)).abs().max() <= 1
    assert made(torch.zeros(2, 9216, dtype=torch.bfloat16)).dtype is torch.float32


def test_invalid_options_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"hidden .*, outputs 0: all widths must be 1 or more"):
        Critic(4, outputs=0)
