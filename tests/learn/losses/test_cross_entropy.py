"""Cross-entropy against a double loop, from hard labels and vote shares."""

import math

import numpy as np
import pytest
import torch

from mien.learn.losses import cross_entropy


def oracle(logits: np.ndarray, targets: np.ndarray, mask: np.ndarray) -> tuple[float, int]:
    """Sum and number of ``-sum_c y_c log p_c``, with p = exp(z_c) / sum exp(z); targets are N x C."""
    total, count = 0.0, 0
    for row in range(len(logits)):
        if not mask[row]:
            continue
        count += 1
        mass = sum(math.exp(z) for z in logits[row])
        for c, z in enumerate(logits[row]):
            total -= targets[row, c] * math.log(math.exp(z) / mass)
    return total, count


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("votes", [False, True])
def test_agrees_with_the_double_loop(seed: int, votes: bool) -> None:
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (11, 7))
    mask = generator.random(11) < 0.6
    shares = generator.dirichlet(np.ones(7), 11)
    labels = generator.integers(0, 7, 11)
    targets = shares if votes else np.eye(7)[labels]
    given = torch.tensor(shares if votes else labels)
    term = cross_entropy(torch.tensor(logits), given, torch.tensor(mask))
    total, count = oracle(logits, targets, mask)
    assert term.total.item() == pytest.approx(total, rel=1e-6)
    assert term.count.item() == count > 0


def test_with_vote_shares_the_minimum_is_at_the_shares() -> None:
    shares = torch.tensor([[0.6, 0.3, 0.1]])
    at = shares.log().requires_grad_()
    term = cross_entropy(at, shares, torch.tensor([True]))
    (gradient,) = torch.autograd.grad(term.total, at)
    assert gradient.abs().max() < 1e-6
    for change in torch.randn(20, 1, 3, generator=torch.Generator().manual_seed(0)):
        assert cross_entropy(at + change, shares, torch.tensor([True])).total > term.total


def test_a_more_certain_correct_answer_costs_less() -> None:
    costs = [
        cross_entropy(torch.tensor([[z, 0.0]]), torch.tensor([0]), torch.tensor([True])).total.item()
        for z in (-2.0, 0.0, 2.0)
    ]
    assert costs == pytest.approx([2.126928, 0.693147, 0.126928], abs=1e-5)


def test_an_index_equals_its_one_hot_row() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = [torch.randn(6, 5, generator=generator.manual_seed(0)).requires_grad_() for _ in range(2)]
    labels, mask = torch.tensor([0, 1, 4, 2, 2, 0]), torch.tensor([True, True, False, True, True, True])
    terms = [
        cross_entropy(each, given, mask) for each, given in zip(logits, (labels, torch.eye(5)[labels]), strict=True)
    ]
    assert terms[0].total.item() == pytest.approx(terms[1].total.item(), rel=1e-6)
    gradients = [torch.autograd.grad(term.total, each)[0] for term, each in zip(terms, logits, strict=True)]
    assert torch.allclose(*gradients, atol=1e-6)
    assert not gradients[0][2].any()
