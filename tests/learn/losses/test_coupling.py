"""The three readings of "-p log q"."""

import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from mien.learn.losses.coupling import EPSILON, Reading, divergence

P, Q = 0.2, 0.7
READINGS: list[Reading] = ["as_printed", "kl", "soft_target"]


def both(p: torch.Tensor, q: torch.Tensor, reading: Reading) -> torch.Tensor:
    """Over the outcomes present and absent."""
    return divergence(p.log(), q, reading) + divergence((1 - p).log(), 1 - q, reading)


@pytest.mark.parametrize(
    ("reading", "value"),
    [("as_printed", -P * math.log(Q)), ("kl", P * math.log(P / Q)), ("soft_target", -Q * math.log(P))],
)
def test_each_reading_is_its_formula(reading: Reading, value: float) -> None:
    assert divergence(torch.tensor(P).log(), torch.tensor(Q), reading).item() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("logit", [-60.0, 60.0])
@pytest.mark.parametrize("q", [0.0, 1.0])
def test_zeros_and_ones_give_finite_losses_that_grade_agreement(reading: Reading, logit: float, q: float) -> None:
    prediction, target = torch.tensor(logit, requires_grad=True), torch.tensor(q, requires_grad=True)
    loss = divergence(logsigmoid(prediction), target, reading) + divergence(
        logsigmoid(-prediction), 1 - target, reading
    )
    loss.backward()
    assert loss.isfinite()
    assert (loss.item() < 0.01) is ((logit > 0) == (q == 1))
    assert (loss.item() > 5) is ((logit > 0) != (q == 1))
    assert prediction.grad is not None
    assert target.grad is not None
    assert prediction.grad.isfinite()
    assert target.grad.isfinite()


@pytest.mark.parametrize("reading", ["as_printed", "kl"])
def test_a_target_of_zero_counts_as_epsilon(reading: Reading) -> None:
    zero, epsilon = (divergence(torch.tensor(P).log(), torch.tensor(q), reading) for q in (0.0, EPSILON))
    assert zero.item() == pytest.approx(epsilon.item(), rel=1e-6)


def test_a_confidently_wrong_prediction_keeps_its_gradient() -> None:
    logit = torch.tensor(-20.0, requires_grad=True)
    divergence(logsigmoid(logit), torch.tensor(1.0), "soft_target").backward()
    assert logit.grad is not None
    assert logit.grad.item() == pytest.approx(-1.0, abs=1e-6)


def grid() -> torch.Tensor:
    return torch.linspace(EPSILON, 1 - EPSILON, 999)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("reading", ["kl", "soft_target"])
def test_over_both_outcomes_kl_and_soft_target_are_smallest_at_the_target(reading: Reading, q: float) -> None:
    p = grid()
    assert p[both(p, torch.full((999,), q), reading).argmin()].item() == pytest.approx(q, abs=0.002)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_as_printed_is_smallest_at_zero(q: float) -> None:
    assert divergence(grid().log(), torch.full((999,), q), "as_printed").argmin() == 0


@pytest.mark.parametrize("q", [0.2, 0.8])
def test_as_printed_over_both_outcomes_is_smallest_at_the_likelier_one(q: float) -> None:
    p = grid()
    assert p[both(p, torch.full((999,), q), "as_printed").argmin()].item() == pytest.approx(round(q), abs=0.002)
