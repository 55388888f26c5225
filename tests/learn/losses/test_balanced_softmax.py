"""Balanced softmax: its formula, its minimum, and where its prior comes from."""

import numpy as np
import pytest
import torch

from mien.learn.losses import BalancedSoftmax, cross_entropy
from mien.learn.losses.balanced_softmax import FLOOR, class_counts

PRIOR = (0.6, 0.3, 0.1)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("votes", [False, True])
def test_agrees_with_the_formula(strength: float, votes: bool) -> None:
    draw = np.random.default_rng(0)
    logits, mask = draw.normal(size=(9, 3)), draw.random(9) < 0.7
    labels = draw.dirichlet(np.ones(3), 9) if votes else draw.integers(0, 3, 9)
    total = 0.0
    for row in np.flatnonzero(mask):
        raised = [np.exp(logits[row, c]) * PRIOR[c] ** strength for c in range(3)]
        for c in range(3):
            share = labels[row, c] if votes else float(labels[row] == c)
            total -= share * np.log(raised[c] / sum(raised))
    given = torch.tensor(labels, dtype=torch.float64 if votes else torch.int64)
    term = BalancedSoftmax(strength, PRIOR)(torch.tensor(logits), given, torch.tensor(mask))
    assert term.total.item() == pytest.approx(total, rel=1e-6)
    assert term.count.item() == mask.sum()


def test_strength_0_is_the_cross_entropy() -> None:
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 0])
    known = torch.ones(5, dtype=torch.bool)
    assert torch.equal(
        BalancedSoftmax(0.0, PRIOR)(logits, labels, known).total, cross_entropy(logits, labels, known).total
    )


def test_learned_logits_do_not_contain_the_prior() -> None:
    """For rows without evidence, with classes as frequent as in the prior, the best constant logits are equal."""
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    logits = torch.zeros(3, requires_grad=True)
    term = BalancedSoftmax(1.0, PRIOR)(logits.expand(10, 3), labels, torch.ones(10, dtype=torch.bool))
    term.total.backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-5


def test_the_prior_is_counted_from_indices_and_votes() -> None:
    hard = np.array([0, 0, 1, np.nan], np.float32)
    votes = np.array([[0.5, 0.0, 0.5], [np.nan, np.nan, np.nan]], np.float32)
    assert class_counts(hard, 3).tolist() == [2, 1, 0]
    assert class_counts(votes, 3).tolist() == [0.5, 0, 0.5]
    found = BalancedSoftmax().counted([(hard, 4), (votes, 2)], 3)
    assert found.prior == pytest.approx((2.5 / 4, 1 / 4, 0.5 / 4))
    often = BalancedSoftmax().counted([(hard, 4), (votes, 20)], 3)  # the second set is drawn ten times as often
    assert often.prior == pytest.approx((7 / 13, 1 / 13, 5 / 13))
    assert BalancedSoftmax(prior=PRIOR).counted([(hard, 1)], 3).prior == PRIOR


def test_a_class_without_rows_has_the_smallest_prior() -> None:
    logits = torch.zeros(1, 3, requires_grad=True)
    loss = BalancedSoftmax().counted([(np.array([0, 1], np.float32), 1)], 3)
    term = loss(logits, torch.tensor([2]), torch.tensor([True]))
    term.total.backward()
    assert term.total.item() == pytest.approx(-np.log(FLOOR / (1 + FLOOR)), rel=1e-5)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_without_labels_there_is_an_attached_zero() -> None:
    logits = torch.randn(4, 3, requires_grad=True)
    term = BalancedSoftmax(prior=PRIOR)(logits, torch.zeros(4, dtype=torch.int64), torch.zeros(4, dtype=torch.bool))
    term.total.backward()
    assert (term.total.item(), term.count.item()) == (0, 0)
    assert logits.grad is not None
    assert not logits.grad.any()


def test_invalid_options_are_rejected() -> None:
    with pytest.raises(ValueError, match="strength must be 0 or more and finite, not -1"):
        BalancedSoftmax(-1.0)
    for prior in ((), (0.0, 0.0), (0.5, -0.1), (float("inf"), 1.0)):
        with pytest.raises(ValueError, match="prior must hold finite numbers of 0 or more, not all 0"):
            BalancedSoftmax(prior=prior)
    with pytest.raises(ValueError, match="prior has 3 numbers for 7 classes"):
        BalancedSoftmax(prior=PRIOR).counted([], 7)
    with pytest.raises(ValueError, match="no labelled training rows to count the prior from"):
        BalancedSoftmax().counted([(np.array([np.nan], np.float32), 1)], 3)
    with pytest.raises(ValueError, match="the prior has not been counted"):
        BalancedSoftmax()(torch.zeros(1, 3), torch.tensor([0]), torch.tensor([True]))
