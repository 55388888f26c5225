"""The interface of all couplings, and the three readings of "-p log q"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses.term import LossTerm

Outputs = Mapping[str, Tensor]
"""Raw outputs by task name, logits or values: N x labels."""

Reading = Literal["kl", "as_printed", "soft_target"]
"""The readings of "-p log q", with p the prediction and q the target; see :func:`divergence`."""

EPSILON = 1e-3
"""The logarithm of a mixture q is computed from q clipped to [EPSILON, 1 - EPSILON]: tables contain zeros and ones.

Where q is clipped, its logarithm has no gradient with respect to q. The logarithm of the prediction is computed from
logits and is not clipped, so a prediction keeps its gradient however wrong it is."""


class CouplingLoss(Protocol):
    """A loss that ties the outputs of two tasks together: ``coupling(outputs, batch, relatedness)``.

    It may use predictions where labels are missing, which is what couplings are for.

    Attributes:
        terms: names of the terms that it returns.
    """

    terms: ClassVar[tuple[str, ...]]
    needs_relatedness: ClassVar[bool]
    """Whether it is called once for each relatedness table; if not, it is called once, with None as the table."""

    def __call__(self, outputs: Outputs, batch: Batch, relatedness: Any) -> dict[str, LossTerm]:
        """Return the terms, by the names in ``terms``."""
        ...


def divergence(log_p: Tensor, q: Tensor, reading: Reading, log_q: Tensor | None = None) -> Tensor:
    """The element-wise loss between a prediction p and its target q, to be summed over the outcomes.

    Args:
        log_p: logarithm of the prediction, finite.
        q: the target, in [0, 1].
        reading: one of

            - ``as_printed``: ``-p log q``, the formula of papers/002 and /003. Over the positive outcomes of
              independent attributes alone, it is minimal at p = 0.
            - ``kl``: ``p log p - p log q``, the papers' footnote, KL(p || q); over all outcomes, it is minimal at
              p = q, where q is not clipped.
            - ``soft_target``: ``-q log p``, the distillation loss of Hinton et al. 2015; over all outcomes, it is
              minimal in p at p = q.
        log_q: logarithm of the target, finite, if known; otherwise that of q clipped, see ``EPSILON``.
    """
    if reading == "soft_target":
        return -q * log_p
    if log_q is None:
        log_q = q.clamp(EPSILON, 1 - EPSILON).log()
    return log_p.exp() * (-log_q if reading == "as_printed" else log_p - log_q)
