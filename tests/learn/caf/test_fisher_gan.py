"""Fisher GAN's Lagrangian by hand, its multiplier, and the Fisher IPM of two Gaussians."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from torch import Tensor

from mien.learn.caf.fisher_gan import FisherGan, second_moment


def sides(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(7, 1, generator=generator), torch.randn(5, 1, generator=generator) * 2 - 1


@pytest.mark.parametrize("rho", [1e-6, 0.5])
@pytest.mark.parametrize("multiplier", [0.0, 0.7])
def test_it_is_the_augmented_lagrangian(rho: float, multiplier: float) -> None:
    strong, weak = sides()
    critic = FisherGan(3, rho=rho)
    critic.multiplier.fill_(multiplier)
    p, q = ([float(x) for x in side] for side in (strong, weak))
    omega = sum(x * x for x in p) / len(p) / 2 + sum(x * x for x in q) / len(q) / 2
    gain = sum(p) / len(p) - sum(q) / len(q) + multiplier * (1 - omega) - rho / 2 * (omega - 1) ** 2
    assert critic.critic_loss(strong, weak, 0).item() == pytest.approx(-gain, rel=1e-5)
    assert critic.multiplier.item() == pytest.approx(multiplier - rho * (1 - omega), rel=1e-5)


@pytest.mark.parametrize(("scale", "sign"), [(0.1, -1), (10.0, 1)])
def test_the_multiplier_grows_where_the_outputs_are_too_large(scale: float, sign: int) -> None:
    critic = FisherGan(3, rho=0.01)
    critic.critic_loss(*(scale * side for side in sides()), 0)
    assert critic.multiplier.item() * sign > 0
    assert "multiplier" in critic.state_dict()


def test_the_encoder_raises_the_weak_outputs() -> None:
    strong, weak = sides()
    assert FisherGan(3).adversarial_loss(strong, weak).item() == pytest.approx(-weak.mean().item())


def test_it_reaches_the_fisher_ipm_of_two_gaussians(train: Callable[..., None]) -> None:
    apart = 1.5

    def draw(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.randn(n, 1, generator=generator) + apart, torch.randn(n, 1, generator=generator)

    def ratio() -> float:
        strong, weak = map(critic, draw(20000, torch.Generator().manual_seed(1)))
        return ((strong.mean() - weak.mean()) / second_moment(strong, weak).sqrt()).item()

    x = np.linspace(-9, 9 + apart, 20001)
    p, q = (np.exp(-((x - m) ** 2) / 2) / np.sqrt(2 * np.pi) for m in (apart, 0))
    known = np.sqrt(trapezoid(2 * (p - q) ** 2 / (p + q), x))

    torch.manual_seed(0)
    critic = FisherGan(1, rho=0.02, dropout=0.0)
    assert abs(ratio()) < 0.9 * known
    train(critic, draw, 600, 3e-3)
    assert ratio() == pytest.approx(known, rel=0.02)
    omega = second_moment(*map(critic, draw(20000, torch.Generator().manual_seed(1)))).item()
    assert omega == pytest.approx(1, abs=0.1)
    assert critic.multiplier.item() == pytest.approx(known / 2, rel=0.05)  # where the Lagrangian is stationary in f


def test_gradients_are_finite(hard: tuple[Tensor, Tensor], finite: Callable[..., None]) -> None:
    strong, weak = hard
    finite(FisherGan(3), strong, weak)


@pytest.mark.parametrize("rho", [0.0, -1.0, float("inf"), float("nan")])
def test_an_invalid_rate_is_rejected(rho: float) -> None:
    with pytest.raises(ValueError, match="rho must be above 0, not"):
        FisherGan(3, rho=rho)


def test_it_has_one_unbounded_output() -> None:
    critic = FisherGan(2)
    assert critic(1e4 * torch.randn(50, 2)).abs().max() > 1
    assert critic(torch.randn(5, 2)).shape == (5, 1)
