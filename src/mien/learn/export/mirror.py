"""Averaging over a face and its mirror image: the mean is more reliable than either."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mien.learn.data.batches.laterality import mirrored
from mien.tasks import Task


class Mirrored(nn.Module):
    """A network that returns the mean of the raw outputs for each picture and its mirror image.

    Labels of the left and of the right half of the face are swapped for the mirror image. This takes twice the time.
    Not in the papers.

    Args:
        network: maps N x C x H x W to the raw outputs of each task.
        tasks: its label space.
    """

    def __init__(self, network: nn.Module, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.network = network
        self.orders = {task.name: mirrored(task.labels) or list(range(len(task))) for task in tasks}

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """N x C x H x W to one N x labels tensor per task."""
        outputs = self.network(torch.cat([inputs, inputs.flip(3)]))
        return {name: _mean(outputs[name], order) for name, order in self.orders.items()}


def _mean(outputs: Tensor, order: list[int]) -> Tensor:
    plain, turned = outputs.reshape(2, -1, len(order)).unbind()
    return (plain + turned[:, order]) / 2
