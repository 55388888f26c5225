"""Masked binary cross-entropy against a double loop of papers/003, eq. 2, log p(y_au | x)."""

import math

import numpy as np
import pytest
import torch

from mien.learn.losses import binary_cross_entropy
from mien.learn.losses.binary_cross_entropy import Normalise


def oracle(logits: np.ndarray, labels: np.ndarray, delta: np.ndarray, normalise: str = "weights") -> tuple[float, int]:
    total, count = 0.0, 0
    for row in range(len(logits)):
        above, below = 0.0, 0.0
        for i in range(logits.shape[1]):
            p = 1 / (1 + math.exp(-logits[row, i]))
            y = labels[row, i]
            above += delta[row, i] * (y * math.log(p) + (1 - y) * math.log(1 - p))
            below += delta[row, i] if normalise == "weights" else delta[row, i] > 0
        if below > 0:
            total -= above / below
            count += 1
    return total, count


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("normalise", ["weights", "attributes"])
def test_agrees_with_the_double_loop(seed: int, weighted: bool, normalise: Normalise) -> None:
    generator = np.random.default_rng(seed)
    logits, labels = generator.normal(0, 2, (9, 5)), generator.integers(0, 2, (9, 5))
    delta = (generator.random((9, 5)) < 0.4) * (generator.random((9, 5)) if weighted else 1)
    delta[3] = 0
    given = torch.tensor(delta) if weighted else torch.tensor(delta > 0)
    term = binary_cross_entropy(torch.tensor(logits), torch.tensor(labels), given, normalise=normalise)
    total, count = oracle(logits, labels, delta, normalise)
    assert term.total.item() == pytest.approx(total, rel=1e-6)
    assert term.count.item() == count
    assert 0 < count < 9


def test_a_sample_counts_once_however_many_attributes_are_annotated() -> None:
    logits = torch.full((2, 4), 1.0)
    mask = torch.tensor([[True, False, False, False], [True, True, True, True]])
    one, four = (
        binary_cross_entropy(logits[i : i + 1], torch.zeros(1, 4), mask[i : i + 1]).total.item() for i in (0, 1)
    )
    assert one == pytest.approx(four) == pytest.approx(math.log(1 + math.e), rel=1e-6)
    assert binary_cross_entropy(logits, torch.zeros(2, 4), mask).mean().item() == pytest.approx(one)


def test_unannotated_attributes_are_ignored() -> None:
    logits, labels = torch.tensor([[1.0, -3.0]]), torch.tensor([[1.0, 0.0]])
    mask = torch.tensor([[True, False]])
    first = binary_cross_entropy(logits, labels, mask).total
    assert binary_cross_entropy(torch.tensor([[1.0, 9.0]]), torch.tensor([[1.0, 1.0]]), mask).total == first
    assert binary_cross_entropy(torch.tensor([[2.0, -3.0]]), labels, mask).total < first
