"""Geodesics and moments of Sphere GAN against the projection by hand, and their largest difference."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.caf.sphere_gan import SphereGan, geodesic


def by_arccos(z: np.ndarray) -> float:
    """The angle between the north pole and the projected point, coordinate by coordinate."""
    squared = float(np.sum(z**2))
    point = np.array([*(2 * z / (squared + 1)), (squared - 1) / (squared + 1)])
    assert np.sum(point**2) == pytest.approx(1)
    north = np.eye(len(point))[-1]
    return math.acos(point @ north)


def sides(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(7, 4, generator=generator), torch.randn(5, 4, generator=generator) * 2


def test_geodesics_agree_with_arc_cosines() -> None:
    z = torch.cat([scale * torch.cat(sides(1)) for scale in (0.1, 1.0, 10.0)])
    expected = [by_arccos(row) for row in z.double().numpy()]
    np.testing.assert_allclose(geodesic(z), expected, rtol=1e-5)


def test_geodesics_at_the_poles() -> None:
    z = torch.tensor([[0.0, 0.0], [1e-20, 0.0], [1.0, 0.0], [1e10, 0.0], [1e30, 1e30]], requires_grad=True)
    distances = geodesic(z)
    assert distances.tolist() == pytest.approx([math.pi, math.pi, math.pi / 2, 2e-10, 0])
    distances.sum().backward()
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()
    assert z.grad[2].tolist() == pytest.approx([-1, 0])  # d = 2 arccot |z|


@pytest.mark.parametrize("highest", [1, 3])
def test_the_loss_is_a_difference_of_moments(highest: int) -> None:
    strong, weak = sides()
    p, q = ([by_arccos(row) for row in side.double().numpy()] for side in (strong, weak))
    p_moments, q_moments = (sum(sum(d**r for d in side) / len(side) for r in range(1, highest + 1)) for side in (p, q))
    critic = SphereGan(3, moments=highest)
    assert critic.critic_loss(strong, weak, 0).item() == pytest.approx(q_moments - p_moments, rel=1e-5)
    assert critic.adversarial_loss(strong, weak).item() == pytest.approx(-q_moments, rel=1e-5)


def test_the_loss_falls_as_the_groups_separate() -> None:
    critic = SphereGan(3)
    strong, weak = sides()
    losses = [critic.critic_loss(strong / scale, weak * scale, 0).item() for scale in (1, 2, 4)]
    assert losses == sorted(losses, reverse=True)


def test_the_encoder_moves_weak_samples_away_from_the_pole() -> None:
    strong, weak = (side.requires_grad_() for side in sides())
    SphereGan(3).adversarial_loss(strong, weak).backward()
    assert strong.grad is None
    assert weak.grad is not None
    assert (geodesic(weak - 0.01 * weak.grad) > geodesic(weak)).all()


@pytest.mark.parametrize("highest", [1, 3])
def test_it_reaches_the_largest_difference_of_two_gaussians(train: Callable[..., None], highest: int) -> None:
    apart = 1.5

    def draw(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.randn(n, 1, generator=generator) + apart, torch.randn(n, 1, generator=generator)

    def difference() -> float:
        strong, weak = map(critic, draw(20000, torch.Generator().manual_seed(1)))
        return -critic.critic_loss(strong, weak, 0).item()

    total_variation = math.erf(apart / math.sqrt(8))
    known = total_variation * sum(math.pi**r for r in range(1, highest + 1))
    torch.manual_seed(0)
    critic = SphereGan(1, moments=highest, dropout=0.0)
    assert difference() < 0.5 * known
    train(critic, draw, 500, 1e-2)
    assert difference() == pytest.approx(known, rel=0.04)


def test_gradients_are_finite(hard: tuple[Tensor, Tensor], finite: Callable[..., None]) -> None:
    strong, weak = hard
    finite(SphereGan(3, bound="none"), strong, weak)


def test_zero_moments_are_rejected() -> None:
    with pytest.raises(ValueError, match="moments must be 1 or more, not 0"):
        SphereGan(3, moments=0)
