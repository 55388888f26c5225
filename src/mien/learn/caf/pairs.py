"""Pairs of two strong samples, and of a strong and a weak sample (papers/001, eq. 6 and 7)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Pairs = Literal["all", "mirrored"]


def paired(strong: Tensor, weak: Tensor, pairs: Pairs = "all") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the rows of positive pairs (i and j, both strong), then of negative pairs (strong and weak).

    - ``all``: every pair of two strong samples once, and every strong sample with every weak one: the expectations of
      the paper over (z_i, z_j) ~ P and ~ P + Q.
    - ``mirrored`` (the release): strong i with strong N - 1 - i, and strong i with weak N - 1 - i, with N the size of
      the smaller group; the rest of the larger group is not used. A sample that would be paired with itself is skipped.

    Args:
        strong: N_s x d.
        weak: N_w x d.
        pairs: which pairs to return.

    Returns:
        Indices into ``strong`` (i and j), and into ``strong`` and ``weak``: int64, each two of equal length.

    Example:
        >>> i, j, s, w = paired(torch.zeros(3, 2), torch.zeros(1, 2))
        >>> i.tolist(), j.tolist(), s.tolist(), w.tolist()
        ([0, 0, 1], [1, 2, 2], [0, 1, 2], [0, 0, 0])
    """
    device = strong.device
    if pairs == "all":
        i, j = torch.triu_indices(len(strong), len(strong), 1, device=device)
        s, w = torch.cartesian_prod(
            torch.arange(len(strong), device=device), torch.arange(len(weak), device=device)
        ).unbind(1)
        return i, j, s, w
    each = torch.arange(min(len(strong), len(weak)), device=device)
    mirror = each.flip(0)
    apart = each != mirror
    return each[apart], mirror[apart], each, mirror


def squared_distance(first: Tensor, second: Tensor) -> Tensor:
    """D^2 of each pair of rows: M x d and M x d to M. The gradient is finite where both coincide."""
    return (first - second).square().sum(1)
