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
"""Probabilities enter logarithms clipped to [EPSILON, 1 - EPSILON]: a table of zeros and ones stays finite."""


class Coupling(Protocol):
    """A loss that ties the outputs of two tasks together: ``coupling(outputs, batch, relatedness)``.

    It may use predictions where labels are missing: that is its point. It returns the terms that it names.
    """

    terms: ClassVar[tuple[str, ...]]

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Relatedness) -> dict[str, LossTerm]:
        """The terms, by the names in ``terms``."""
        ...


def divergence(p: Tensor, q: Tensor, reading: Reading) -> Tensor:
    """The element-wise loss between a prediction p and its target q, to be summed over outcomes.

    - ``as_printed``: ``-p log q``, the formula of papers/002 and /003. Over the positive outcomes of
      independent attributes alone it is smallest at p = 0.
    - ``kl``: ``p log p - p log q``, the papers' footnote, KL(p || q); over all outcomes smallest at p = q.
    - ``soft_target``: ``-q log p``, the distillation loss of Hinton et al. 2015; over all outcomes
      smallest in p at p = q.
    """
    p, q = (probability.clamp(EPSILON, 1 - EPSILON) for probability in (p, q))
    if reading == "soft_target":
        return -q * p.log()
    cross = -p * q.log()
    return cross if reading == "as_printed" else cross + p * p.log()


def as_tensor(table: NDArray[Any], like: Tensor) -> Tensor:
    """A table of the relatedness, float32 on the device of ``like``."""
    return torch.as_tensor(table, dtype=torch.float32, device=like.device)
