"""The three readings of "-p log q"."""

import math

import pytest
import torch

from mien.learn.losses.coupling import EPSILON, Reading, divergence

P, Q = 0.2, 0.7


@pytest.mark.parametrize(
    ("reading", "value"),
    [("as_printed", -P * math.log(Q)), ("kl", P * math.log(P / Q)), ("soft_target", -Q * math.log(P))],
)
def test_each_reading_is_its_formula(reading: Reading, value: float) -> None:
    assert divergence(torch.tensor(P), torch.tensor(Q), reading).item() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("reading", ["as_printed", "kl", "soft_target"])
@pytest.mark.parametrize(("p", "q"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1.0, 1.0)])
def test_zeros_and_ones_stay_finite(reading: Reading, p: float, q: float) -> None:
    prediction, target = torch.tensor(p, requires_grad=True), torch.tensor(q, requires_grad=True)
    loss = divergence(prediction, target, reading)
    loss.backward()
    clipped = [min(max(value, EPSILON), 1 - EPSILON) for value in (p, q)]
    assert loss.item() == pytest.approx(divergence(*map(torch.tensor, clipped), reading).item(), rel=1e-5)
    assert prediction.grad is not None
    assert target.grad is not None
    assert prediction.grad.isfinite()
    assert target.grad.isfinite()


def grid() -> torch.Tensor:
    return torch.linspace(EPSILON, 1 - EPSILON, 999)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("reading", ["kl", "soft_target"])
def test_over_both_outcomes_kl_and_soft_target_are_smallest_at_the_target(reading: Reading, q: float) -> None:
    p, target = grid(), torch.full((999,), q)
    loss = divergence(p, target, reading) + divergence(1 - p, 1 - target, reading)
    assert p[loss.argmin()].item() == pytest.approx(q, abs=0.002)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_as_printed_is_smallest_at_zero(q: float) -> None:
    assert divergence(grid(), torch.full((999,), q), "as_printed").argmin() == 0


@pytest.mark.parametrize("q", [0.2, 0.8])
def test_as_printed_over_both_outcomes_goes_to_the_likelier_one(q: float) -> None:
    p, target = grid(), torch.full((999,), q)
    loss = divergence(p, target, "as_printed") + divergence(1 - p, 1 - target, "as_printed")
    assert p[loss.argmin()].item() == pytest.approx(round(q), abs=0.002)
