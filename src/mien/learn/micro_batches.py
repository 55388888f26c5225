"""Gradient accumulation that is exact for losses of the whole batch.

CCC, couplings and critics look at a batch as one: their mean over micro-batches is another loss. So the parts of a step
go through the network one after the other without keeping what the backward pass needs, the loss is taken of all
outputs together, and on the way back each part is computed again (``torch.utils.checkpoint``). The price is one more
forward pass; the memory for activations is that of one part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def in_parts(network: nn.Module, inputs: Tensor, parts: int) -> Mapping[str, Tensor]:
    """The outputs of a network for all inputs, of which so many parts go through it one after the other.

    The gradients are those of the whole batch, to rounding. Departure: batch normalisation sees each part by itself.

    Args:
        network: from inputs to named outputs with a row for each.
        inputs: N x C x H x W or N x D.
        parts: at least 1; no more than N are made.
    """
    if parts == 1:
        outputs: Mapping[str, Tensor] = network(inputs)
        return outputs

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_kept(network)  # the second pass over a part must not count it twice

    several = [
        checkpoint(network, part, use_reentrant=False, context_fn=contexts)
        for part in inputs.tensor_split(min(parts, len(inputs)))
    ]
    return {name: torch.cat([each[name] for each in several]) for name in several[0]}


@contextmanager
def _statistics_kept(network: nn.Module) -> Iterator[None]:
    """Running statistics of batch normalisation stay as they are."""
    tracking = [
        each
        for each in network.modules()
        if isinstance(each, nn.modules.batchnorm._BatchNorm) and each.track_running_stats
    ]
    for each in tracking:
        each.track_running_stats = False
    try:
        yield
    finally:
        for each in tracking:
            each.track_running_stats = True
