"""1 - CCC against a loop over Lin's formula, dimension by dimension."""

import numpy as np
import pytest
import torch

from mien.learn.losses import concordance


def ccc(pairs: list[tuple[float, float]]) -> float:
    """2 cov / (var + var + (mean difference)^2) of (prediction, truth) pairs."""
    n = len(pairs)
    mean_p, mean_t = sum(p for p, _ in pairs) / n, sum(t for _, t in pairs) / n
    variance_p, variance_t, covariance = 0.0, 0.0, 0.0
    for p, t in pairs:
        variance_p += (p - mean_p) ** 2 / n
        variance_t += (t - mean_t) ** 2 / n
        covariance += (p - mean_p) * (t - mean_t) / n
    return 2 * covariance / (variance_p + variance_t + (mean_p - mean_t) ** 2)


def oracle(outputs: np.ndarray, labels: np.ndarray, mask: np.ndarray) -> tuple[float, int]:
    total, count = 0.0, 0
    for d in range(outputs.shape[1]):
        pairs = [(outputs[row, d], labels[row, d]) for row in range(len(outputs)) if mask[row, d]]
        if len(pairs) >= 2:
            total += (1 - ccc(pairs)) * len(pairs)
            count += len(pairs)
    return total, count


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_the_loop_with_missing_cells(seed: int) -> None:
    generator = np.random.default_rng(seed)
    outputs, labels = generator.normal(0.3, 1, (10, 3)), generator.uniform(-1, 1, (10, 3))
    mask = generator.random((10, 3)) < 0.5
    mask[:, 2], mask[4, 2] = False, True  # a dimension with one label is skipped
    mask[:2, :2] = True
    term = concordance(torch.tensor(outputs), torch.tensor(np.where(mask, labels, 0)), torch.tensor(mask))
    total, count = oracle(outputs, labels, mask)
    assert term.total.item() == pytest.approx(total, rel=1e-5)
    assert term.count.item() == count


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None]


@pytest.mark.parametrize(
    ("outputs", "loss"),
    [
        ((-0.5, 0.0, 0.5), 0.0),
        ((0.5, 0.0, -0.5), 2.0),
        ((0.3, 0.3, 0.3), 1.0),
        ((-1.0, 0.0, 1.0), 1 - 2 * (1 / 3) / (1 / 6 + 2 / 3)),
        ((0.5, 1.0, 1.5), 1 - 2 * (1 / 6) / (1 / 6 + 1 / 6 + 1)),
    ],
    ids=["agrees", "opposite", "constant", "too wide", "shifted"],
)
def test_known_values(outputs: tuple[float, ...], loss: float) -> None:
    truth = column(-0.5, 0.0, 0.5)
    term = concordance(column(*outputs), truth, torch.ones_like(truth, dtype=torch.bool))
    assert term.mean().item() == pytest.approx(loss, abs=1e-6)


def test_the_variances_are_not_squared_as_the_paper_prints() -> None:
    generator = np.random.default_rng(1)
    outputs, labels = generator.normal(size=(50, 1)), generator.normal(size=(50, 1))
    labels += outputs
    twice, gap = 2 * np.cov(outputs.T, labels.T, bias=True)[0, 1], (outputs.mean() - labels.mean()) ** 2
    loss = concordance(torch.tensor(outputs), torch.tensor(labels), torch.ones(50, 1, dtype=torch.bool)).mean().item()
    assert loss == pytest.approx(1 - twice / (outputs.var() + labels.var() + gap), rel=1e-5)
    assert loss != pytest.approx(1 - twice / (outputs.var() ** 2 + labels.var() ** 2 + gap), abs=0.01)


def test_gradient_descent_finds_the_labels() -> None:
    truth = column(-0.8, 0.1, 0.4, 0.9)
    outputs = torch.zeros(4, 1).copy_(column(0.2, 0.1, -0.3, 0.1)).requires_grad_()
    optimizer = torch.optim.Adam([outputs], 0.05)
    for _ in range(400):
        optimizer.zero_grad()
        concordance(outputs, truth, torch.ones(4, 1, dtype=torch.bool)).mean().backward()
        optimizer.step()
    assert torch.allclose(outputs, truth, atol=0.02)


@pytest.mark.parametrize("labelled", [0, 1])
def test_less_than_two_labels_give_an_attached_zero(labelled: int) -> None:
    outputs = torch.randn(3, 2, requires_grad=True)
    mask = torch.zeros(3, 2, dtype=torch.bool)
    mask[:labelled] = True
    term = concordance(outputs, torch.zeros(3, 2), mask)
    (gradient,) = torch.autograd.grad(term.total, outputs)
    assert term.count.item() == 0
    assert term.total.item() == 0
    assert gradient.tolist() == [[0, 0]] * 3


@pytest.mark.parametrize("value", [0.1, 0.0, -1.0])
def test_equal_constants_have_no_concordance(value: float) -> None:
    outputs = torch.full((7, 1), value, requires_grad=True)
    term = concordance(outputs, torch.full((7, 1), value), torch.ones(7, 1, dtype=torch.bool))
    (gradient,) = torch.autograd.grad(term.total, outputs)
    assert term.mean().item() == pytest.approx(1, abs=1e-6)
    assert gradient.isfinite().all()
