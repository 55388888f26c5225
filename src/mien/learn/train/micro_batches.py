"""Gradient accumulation that is exact for losses of the whole batch.

CCC, couplings and critics depend on a batch as a whole: their mean over micro-batches is a different loss. So the parts
of a step pass through the network one after the other without storing activations, the loss is computed from all
outputs together, and the backward pass recomputes each part (``torch.utils.checkpoint``). This costs one more forward
pass, and needs the activation memory of one part only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def in_parts(network: nn.Module, inputs: Tensor, parts: int, *others: object) -> Mapping[str, Tensor]:
    """The outputs of a network for all inputs, computed in parts, one after the other.

    Gradients are those of the whole batch, up to rounding. Departure: batch normalisation sees each part by itself.

    Args:
        network: maps inputs, and the ``others``, to named outputs with one row per input.
        inputs: N x C x H x W or N x D.
        parts: at least 1, at most N are used.
        others: further arguments, the same for every part.
    """
    if parts == 1:
        outputs: Mapping[str, Tensor] = network(inputs, *others)
        return outputs

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _StatisticsKept(network)  # the second pass over a part must not count it twice

    several = [
        checkpoint(network, part, *others, use_reentrant=False, context_fn=contexts)
        for part in inputs.tensor_split(min(parts, len(inputs)))
    ]
    return {name: torch.cat([each[name] for each in several]) for name in several[0]}


class _StatisticsKept:
    """Keeps the running statistics of batch normalisation unchanged; can be entered repeatedly."""

    def __init__(self, network: nn.Module) -> None:
        self.norms = [each for each in network.modules() if isinstance(each, nn.modules.batchnorm._BatchNorm)]
        self.before: list[tuple[float | None, Tensor | None]] = []

    def __enter__(self) -> None:
        self.before = [(each.momentum, each.num_batches_tracked) for each in self.norms]
        for each in self.norms:
            each.momentum, each.num_batches_tracked = 0.0, None

    def __exit__(self, *_: object) -> None:
        for each, (momentum, count) in zip(self.norms, self.before, strict=True):
            each.momentum, each.num_batches_tracked = momentum, count
