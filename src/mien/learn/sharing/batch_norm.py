"""Batch normalisation in a network with one forward pass per task."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm


@dataclass
class ActiveTask:
    """The task whose forward pass is running: one object that all layers of a network read.

    Args:
        index: position among the network's tasks.
    """

    index: int = 0


class OwnStatistics(nn.Module):
    """Batch normalisation with separate running statistics for each task; scale and shift are shared.

    A masked or gated trunk gives each task different activations. In training, each pass is normalised by its own
    batch. A common running mean would be the mean over the tasks, so no task would be evaluated with the statistics
    that it was trained with.

    Args:
        norm: the layer; its buffers get the task as a new first axis.
        tasks: the number of tasks.
        active: the task whose pass is running.
    """

    def __init__(self, norm: _BatchNorm, tasks: int, active: ActiveTask) -> None:
        super().__init__()
        for name, buffer in list(norm.named_buffers()):
            setattr(norm, name, buffer.expand(tasks, *buffer.shape).clone())
        self.norm, self.active = norm, active

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer with the statistics of the active task."""
        own = {name: buffer[self.active.index] for name, buffer in self.norm.named_buffers()}
        normalised: Tensor = functional_call(self.norm, own, (x,))
        return normalised


def own_statistics(trunk: nn.Module, tasks: int, active: ActiveTask) -> None:
    """Replace every batch normalisation of a trunk by one with statistics for each task, in place."""
    for parent in list(trunk.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm) and child.track_running_stats:
                setattr(parent, name, OwnStatistics(child, tasks, active))
