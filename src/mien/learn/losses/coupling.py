"""What couplings share: the contract, and the tables as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses.term import LossTerm
from mien.relatedness import Relatedness

Outputs = Mapping[str, Tensor]
"""Logits of each task: N x labels."""

Reading = Literal["kl", "as_printed", "soft_target"]
"""How to read "-p log q" with p the prediction and q the target: see :func:`divergence`."""

EPSILON = 1e-3
"""A target's logarithm is that of the target clipped to [EPSILON, 1 - EPSILON]: a table of zeros and ones stays finite.

The prediction's own logarithm comes from its logits and needs no clipping: however wrong, it keeps its gradient."""


class Coupling(Protocol):
    """A loss that ties the outputs of two tasks together: ``coupling(outputs, batch, relatedness)``.

    It may use predictions where labels are missing: that is its point. It returns the terms that it names.
    """

    terms: ClassVar[tuple[str, ...]]

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Relatedness) -> dict[str, LossTerm]:
        """The terms, by the names in ``terms``."""
        ...


def divergence(log_p: Tensor, q: Tensor, reading: Reading) -> Tensor:
    """The element-wise loss between a prediction p and its target q, to be summed over outcomes.

    Args:
        log_p: logarithm of the prediction, finite.
        q: the target, in [0, 1].
        reading: one of


            - ``as_printed``: ``-p log q``, the formula of papers/002 and /003. Over the positive outcomes of
              independent attributes alone it is smallest at p = 0.
            - ``kl``: ``p log p - p log q``, the papers' footnote, KL(p || q); over all outcomes smallest at
              p = q, as far as q is not clipped.
            - ``soft_target``: ``-q log p``, the distillation loss of Hinton et al. 2015; over all outcomes
              smallest in p at p = q.
    """
    if reading == "soft_target":
        return -q * log_p
    log_q = q.clamp(EPSILON, 1 - EPSILON).log()
    return log_p.exp() * (-log_q if reading == "as_printed" else log_p - log_q)


def as_tensor(table: NDArray[Any], like: Tensor) -> Tensor:
    """A table of the relatedness, float32 on the device of ``like``."""
    return torch.as_tensor(table, dtype=torch.float32, device=like.device)
