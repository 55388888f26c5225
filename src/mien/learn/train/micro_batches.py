"""Gradient accumulation that is exact for losses of the whole batch.

CCC, couplings and critics look at a batch as one: their mean over micro-batches is another loss. So the parts of a step
go through the network one after the other without keeping what the backward pass needs, the loss is taken of all
outputs together, and on the way back each part is computed again (``torch.utils.checkpoint``). The price is one more
forward pass; the memory for activations is that of one part.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def in_parts(network: nn.Module, inputs: Tensor, parts: int, *others: object) -> Mapping[str, Tensor]:
    """The outputs of a network for all inputs, of which so many parts go through it one after the other.

    The gradients are those of the whole batch, to rounding. Departure: batch normalisation sees each part by itself.

    Args:
        network: from inputs, and the ``others``, to named outputs with a row for each input.
        inputs: N x C x H x W or N x D.
        parts: at least 1; no more than N are made.
        others: what every part is read with.
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
    """Running statistics of batch normalisation stay as they are; can be entered again and again."""

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
