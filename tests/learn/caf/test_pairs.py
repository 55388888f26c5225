"""Pairs of samples."""

import itertools

import pytest
import torch

from mien.learn.caf.pairs import paired, squared_distance

Couples = set[tuple[int, int]]


def couples(first: torch.Tensor, second: torch.Tensor) -> list[tuple[int, int]]:
    return list(zip(first.tolist(), second.tolist(), strict=True))


@pytest.mark.parametrize(("strong", "weak"), [(2, 1), (4, 3), (3, 5)])
def test_all_pairs_once(strong: int, weak: int) -> None:
    i, j, s, w = paired(torch.zeros(strong, 2), torch.zeros(weak, 2))
    assert couples(i, j) == list(itertools.combinations(range(strong), 2))
    assert couples(s, w) == list(itertools.product(range(strong), range(weak)))


def test_mirrored_pairs_are_those_of_the_release() -> None:
    i, j, s, w = paired(torch.zeros(5, 2), torch.zeros(3, 2), "mirrored")
    assert couples(i, j) == [(0, 2), (2, 0)], "1 would be paired with itself"
    assert couples(s, w) == [(0, 2), (1, 1), (2, 0)]


def test_the_squared_distance_has_a_gradient_everywhere() -> None:
    first = torch.tensor([[1.0, 2.0], [0.0, 0.0]], requires_grad=True)
    distance = squared_distance(first, torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert distance.tolist() == [0, 25]
    distance.sum().backward()
    assert first.grad is not None
    assert first.grad.tolist() == [[0, 0], [-6, -8]]
