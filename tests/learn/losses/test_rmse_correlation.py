"""L_AV of papers/001 against a slow oracle, and degenerate cases."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.losses import RmseCorrelation

Values = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def values() -> Callable[..., Values]:
    def make(seed: int = 0, n: int = 20) -> Values:
        draw = np.random.default_rng(seed)
        outputs, labels = (torch.tensor(draw.normal(0, 0.5, (n, 2)), dtype=torch.float32) for _ in range(2))
        mask = torch.tensor(draw.random((n, 2)) < 0.7)
        mask[:3] = True
        return outputs.requires_grad_(), torch.where(mask, labels, 0.0), mask

    return make


def oracle(outputs: Tensor, labels: Tensor, mask: Tensor, correlation: float, rmse: float) -> float:
    """The sum over dimensions of loss times labelled cells."""
    total = 0.0
    for d in range(labels.shape[1]):
        known = mask[:, d].numpy()
        p, t = (x[:, d].detach().double().numpy()[known] for x in (outputs, labels))
        root = np.sqrt(np.mean((p - t) ** 2))
        pcc = np.corrcoef(p, t)[0, 1]
        ccc = 2 * np.mean((p - p.mean()) * (t - t.mean())) / (p.var() + t.var() + (p.mean() - t.mean()) ** 2)
        total += known.sum() * (rmse * root + correlation * ((1 - pcc) + (1 - ccc)))
    return float(total)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("correlation", "rmse"), [(0.5, 1.0), (0.0, 1.0), (1.0, 0.0), (0.5, 2.0)])
def test_agrees_with_the_formula(values: Callable[..., Values], seed: int, correlation: float, rmse: float) -> None:
    outputs, labels, mask = values(seed)
    term = RmseCorrelation(correlation, rmse)(outputs, labels, mask)
    assert term.count.item() == float(mask.sum())
    assert term.total.item() == pytest.approx(oracle(outputs, labels, mask, correlation, rmse), rel=1e-5)


def test_the_minimum_is_zero_at_the_labels(values: Callable[..., Values]) -> None:
    _, labels, mask = values()
    outputs = labels.clone().requires_grad_()
    term = RmseCorrelation()(outputs, labels, mask)
    term.total.backward()
    assert term.total.item() == pytest.approx(0, abs=1e-4)
    assert outputs.grad is not None
    assert outputs.grad.abs().max() < 1e-3


def test_unlabelled_cells_have_no_effect(values: Callable[..., Values]) -> None:
    outputs, labels, mask = values()
    before = RmseCorrelation()(outputs, labels, mask).total
    moved = torch.where(mask, outputs, outputs + 3).detach().requires_grad_()
    after = RmseCorrelation()(moved, labels, mask).total
    after.backward()
    assert before.item() == pytest.approx(after.item(), rel=1e-6)
    assert moved.grad is not None
    assert moved.grad[~mask].abs().max() == 0


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_labels_give_an_attached_zero(values: Callable[..., Values], rows: int) -> None:
    outputs, labels, _ = values()
    mask = torch.zeros_like(labels, dtype=torch.bool)
    mask[:rows] = True
    term = RmseCorrelation()(outputs, labels, mask)
    term.total.backward()
    assert (term.total.item(), term.count.item()) == (0, 0)
    assert outputs.grad is not None
    assert outputs.grad.abs().max() == 0


@pytest.mark.parametrize("constant", ["outputs", "labels", "both"])
def test_constants_have_zero_correlations(values: Callable[..., Values], constant: str) -> None:
    outputs, labels, mask = values()
    outputs = outputs.detach() * (constant == "labels")
    labels = labels * (constant == "outputs") + 0.25 * mask
    outputs.requires_grad_()
    term = RmseCorrelation()(outputs, labels, mask)
    term.total.backward()
    assert outputs.grad is not None
    assert torch.isfinite(outputs.grad).all()
    root = ((outputs - labels)[mask] ** 2).mean().sqrt()
    assert (term.total / term.count).item() == pytest.approx(root.item() + 1, abs=0.05)  # both coefficients are 0


@pytest.mark.parametrize("wrong", [{"correlation": -1.0}, {"rmse": float("nan")}])
def test_negative_factors_are_rejected(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be 0 or more and finite"):
        RmseCorrelation(**wrong)
