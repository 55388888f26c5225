"""Task Routing (Strezoski, van Noord and Worring, 2019): each task uses its own part of every layer's units."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm

from mien.learn.models.network import Network
from mien.learn.sharing.batch_norm import ActiveTask, OwnStatistics, own_statistics

NORMS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)


def routing_masks(units: int, tasks: int, sharing: float, seed: tuple[int, ...]) -> Tensor:
    """The units that each task may use, tasks x units, 1 or 0.

    ``round(sharing * units)`` units, drawn at random, belong to all tasks. The others are dealt out one by one, so that
    each has one owner and the numbers of units per task differ by at most one. If there are fewer units than tasks and
    none would be shared, one is shared: every task has a unit in every layer.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(units)
    common = max(round(sharing * units), 1 if units < tasks else 0)
    masks = np.zeros((tasks, units), np.float32)
    masks[:, order[:common]] = 1
    owners = np.resize(generator.permutation(tasks), units - common)
    masks[owners, order[common:]] = 1
    return torch.from_numpy(masks)


class Routed(nn.Module):
    """A layer whose output is 0 for units that the active task may not use.

    Args:
        layer: convolution, linear layer or normalisation.
        masks: tasks x units; a buffer, part of the forward graph, and therefore of the backward graph.
        axis: axis of the units in the layer's output: 1 for maps, -1 for vectors.
        active: the task whose pass is running.
    """

    def __init__(self, layer: nn.Module, masks: Tensor, axis: int, active: ActiveTask) -> None:
        super().__init__()
        self.layer, self.axis, self.active = layer, axis, active
        self.register_buffer("masks", masks)
        self.masks: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output times the mask of the active task."""
        out: Tensor = self.layer(x)
        mask = self.masks[self.active.index].to(out.dtype)
        return out * (mask if self.axis == -1 else mask.view(-1, *[1] * (out.ndim - 2)))


class TaskRouting(nn.Module):
    """A network in which every task has its own forward pass, through its own units.

    Every convolution and linear layer of the trunk is routed; the heads are not, because they are not shared. The mask
    comes after the batch normalisation that follows a layer (as in the paper), because the normalisation would turn the
    0 of a masked unit into its shift. Other normalisations mix the units, so the mask is applied both before and after
    them.

    Departures: each task has its own running statistics of batch normalisation (see
    :class:`mien.learn.sharing.batch_norm.OwnStatistics`). Every step runs all tasks, while the paper takes one task at
    a time: our batches have labels of several tasks, and their losses are summed.

    The masks of two layers are drawn independently. In a residual network, a task may therefore write to most channels
    of the stream that the shortcuts carry; but only its own filters write in its pass, so that with ``sharing`` 0 no
    parameter of the trunk serves two tasks.

    Args:
        network: a trunk and heads; it is modified in place. The key ``features`` is dropped from its outputs, because
            each task has its own.
        sharing: the sharing ratio sigma in [0, 1], the share of each layer's units that all tasks use. 1 is ordinary
            hard sharing, 0 gives separate sub-networks.
        seed: seed of the masks, independent of other random numbers.

    Raises:
        ValueError: if ``sharing`` is outside [0, 1], ``seed`` is negative or the trunk has no layer to route.

    Example:
        >>> from mien.learn.models import ResidualMLP
        >>> routed = TaskRouting(network=ResidualMLP(inputs=(5,)), sharing=0.25)
        >>> routed(torch.randn(4, 5))["affect"].shape
        torch.Size([4, 2])
    """

    def __init__(self, *, network: Network, sharing: float = 0.5, seed: int = 0) -> None:
        super().__init__()
        if not 0 <= sharing <= 1:
            raise ValueError(f"TaskRouting: sharing must be in [0, 1], not {sharing}")
        if seed < 0:
            raise ValueError(f"TaskRouting: seed must be 0 or more, not {seed}")
        self.network, self.tasks, self.active = network, tuple(network.tasks), ActiveTask()
        own_statistics(network.trunk, len(self.tasks), self.active)
        if not _route(network.trunk, len(self.tasks), sharing, seed, self.active):
            raise ValueError(f"TaskRouting: {type(network).__name__} has no convolution or linear layer to route")

    @property
    def preprocessing(self) -> nn.Module:
        """The preprocessing of the network."""
        return self.network.preprocessing

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return the raw outputs of each task, N x labels, like the network itself.

        Args:
            inputs: as the network takes them.
        """
        outputs = {}
        for position, task in enumerate(self.tasks):
            self.active.index = position
            features = self.network.dropout(self.network.features(inputs))
            outputs[task.name] = self.network.heads[task.name](features).float()
        return outputs


def _route(trunk: nn.Module, tasks: int, sharing: float, seed: int, active: ActiveTask) -> int:
    """Mask the layers of a trunk, in place; return the number of layers."""
    count = 0
    for parent in list(trunk.modules()):
        children = list(parent.named_children())
        for place, (name, layer) in enumerate(children):
            if not isinstance(layer, _ConvNd | nn.Linear):
                continue
            units, axis = (layer.out_features, -1) if isinstance(layer, nn.Linear) else (layer.out_channels, 1)
            masks = routing_masks(units, tasks, sharing, (seed, count))
            following = _following_norm(children[place + 1 :], units)
            if following:
                setattr(parent, following, Routed(getattr(parent, following), masks, axis, active))
            if not following or not isinstance(_wrapped_norm(getattr(parent, following).layer), _BatchNorm):
                setattr(parent, name, Routed(layer, masks.clone(), axis, active))
            count += 1
    return count


def _following_norm(later: list[tuple[str, nn.Module]], units: int) -> str | None:
    """The name of the normalisation of a layer's units: the next sibling with parameters, if it is one."""
    name, module = next(((name, each) for name, each in later if any(True for _ in each.parameters())), ("", None))
    norm = _wrapped_norm(module)
    return name if isinstance(norm, NORMS) and norm.weight is not None and norm.weight.shape == (units,) else None


def _wrapped_norm(module: nn.Module | None) -> nn.Module | None:
    return module.norm if isinstance(module, OwnStatistics) else module
