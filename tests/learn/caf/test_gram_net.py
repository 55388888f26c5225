"""The ratios and discrepancies of GRAM nets against slow loops, and the Pearson divergence of two Gaussians."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from torch import Tensor

from mien.learn.caf.gram_net import GramNet, density_ratio, squared_mmd

WIDTHS = (0.5, 2.0)
MEAN, DEVIATION = 1.0, 0.7


def gram(x: np.ndarray, y: np.ndarray, width: float) -> np.ndarray:
    return np.array([[np.exp(-sum((a - b) ** 2) / 2 / width**2) for b in y] for a in x])


def ratio_by_hand(p: np.ndarray, q: np.ndarray, ridge: float) -> np.ndarray:
    ratios = []
    for width in WIDTHS:
        inverse = np.linalg.inv(gram(q, q, width) + ridge * np.eye(len(q)))
        ratios.append(len(q) / len(p) * inverse @ gram(q, p, width) @ np.ones(len(p)))
    return np.mean(ratios, axis=0)


def mmd_by_hand(p: np.ndarray, q: np.ndarray) -> float:
    return sum(gram(p, p, width).mean() - 2 * gram(p, q, width).mean() + gram(q, q, width).mean() for width in WIDTHS)


def sides(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(7, 4, generator=generator), torch.randn(5, 4, generator=generator) * 0.7 + 0.5


def narrow_and_wide(n: int, generator: torch.Generator, dimensions: int = 1) -> tuple[Tensor, Tensor]:
    """N(MEAN, DEVIATION^2) and N(0, 1) in the first dimension, N(0, 1) in the others: a bounded ratio."""
    p, q = torch.randn(2, n, dimensions, generator=generator)
    p[:, 0] = MEAN + DEVIATION * p[:, 0]
    return p, q


def pearson() -> float:
    x = np.linspace(-9, 9, 20001)
    p = np.exp(-(((x - MEAN) / DEVIATION) ** 2) / 2) / np.sqrt(2 * np.pi) / DEVIATION
    q = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    return float(trapezoid(p**2 / q, x) - 1)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_slow_loops(seed: int) -> None:
    strong, weak = sides(seed)
    p, q = strong.double().numpy(), weak.double().numpy()
    ratio = ratio_by_hand(p, q, 0.01)
    np.testing.assert_allclose(density_ratio(strong, weak, WIDTHS, 0.01), ratio, rtol=1e-6)
    critic = GramNet(3, bandwidths=WIDTHS, ridge=0.01)
    assert critic.critic_loss(strong, weak, 0).item() == pytest.approx(1 - np.mean(ratio**2), rel=1e-5)
    assert critic.adversarial_loss(strong, weak).item() == pytest.approx(mmd_by_hand(p, q), rel=1e-4)
    released = GramNet(3, bandwidths=WIDTHS, ridge=0.01, objective="released").critic_loss(strong, weak, 0)
    assert released.item() == pytest.approx(-np.mean((ratio - 1) ** 2) - np.mean(ratio), rel=1e-5)


def test_the_ratio_of_one_group_to_itself_is_one() -> None:
    strong, _ = sides()
    np.testing.assert_allclose(density_ratio(strong, strong, WIDTHS, 1e-9), 1, rtol=1e-6)
    assert squared_mmd(strong, strong, WIDTHS).item() == pytest.approx(0, abs=1e-6)


def test_the_squared_ratio_of_two_gaussians_is_their_pearson_divergence() -> None:
    draws = [narrow_and_wide(500, torch.Generator().manual_seed(seed)) for seed in range(10)]
    found = np.mean([density_ratio(p, q).square().mean().item() - 1 for p, q in draws])
    assert found == pytest.approx(pearson(), rel=0.04)


def test_a_ridge_reduces_the_spurious_divergence_of_wide_outputs() -> None:
    p, q = torch.randn(2, 200, 2, generator=torch.Generator().manual_seed(0))  # of one distribution

    def found(scale: float, ridge: float) -> float:
        return density_ratio(scale * p, scale * q, ridge=ridge).square().mean().item() - 1

    assert found(1, 1e-3) < 0.5 * found(5, 1e-3)
    assert found(5, 0.3) < 0.5 * found(5, 1e-3)


def test_training_reaches_the_pearson_divergence_of_the_features(train: Callable[..., None]) -> None:
    def draw(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return narrow_and_wide(n, generator, 2)

    def divergence() -> float:
        draws = [draw(500, torch.Generator().manual_seed(seed)) for seed in range(100, 105)]
        losses = [critic.critic_loss(critic(p), critic(q), 0).item() for p, q in draws]
        return -float(np.mean(losses))

    torch.manual_seed(0)
    critic = GramNet(2, outputs=1, ridge=0.1, dropout=0.0)
    assert divergence() < 0.5 * pearson()
    train(critic, draw, 100, 1e-3)
    assert divergence() == pytest.approx(pearson(), rel=0.06)


def test_the_encoder_moves_only_the_weak_samples() -> None:
    strong, weak = (side.requires_grad_() for side in sides())
    critic = GramNet(3)
    before = critic.adversarial_loss(strong, weak)
    before.backward()
    assert strong.grad is None
    assert weak.grad is not None
    assert critic.adversarial_loss(strong, weak - 0.1 * weak.grad).item() < before.item()


def test_gradients_are_finite(hard: tuple[Tensor, Tensor], finite: Callable[..., None]) -> None:
    strong, weak = hard
    finite(GramNet(3, bound="none"), strong, weak)


@pytest.mark.parametrize("wrong", [{"bandwidths": ()}, {"bandwidths": (1.0, 0.0)}, {"ridge": 0.0}])
def test_nonpositive_options_are_rejected(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="bandwidths and ridge must be above 0, not"):
        GramNet(3, **wrong)  # type: ignore[arg-type]
