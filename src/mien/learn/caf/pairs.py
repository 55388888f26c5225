"""Pairs of strong samples, and of a strong and a weak one (papers/001, eq. 6 and 7)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Pairs = Literal["all", "mirrored"]


def paired(strong: Tensor, weak: Tensor, pairs: Pairs = "all") -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The rows of ``strong`` that make positive pairs (i, j), then the strong and the weak rows of negative pairs.

    - ``all``: every pair of two strong samples once, and every strong sample with every weak one: the expectations of
      the paper over (z_i, z_j) ~ P and ~ P + Q.
    - ``mirrored`` (the release): strong i with strong N - 1 - i, and strong i with weak N - 1 - i, N being the size of
      the smaller group; what is left of the larger one is not used. A sample that would be its own partner is left out.

    Args:
        strong: N_s x d.
        weak: N_w x d.
        pairs: which.

    Returns:
        Places into ``strong`` (i and j), and into ``strong`` and ``weak``: int64, of equal length two by two.
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
    """D^2 of each pair of rows: M x d and M x d to M. Its gradient is finite where both are the same."""
    return (first - second).square().sum(1)
