"""The untrained network of a run, with the scheme by which its tasks share it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from mien.learn.data.manifest import Manifest
from mien.learn.recipe import RecipeError
from mien.learn.recipe.class_spec import ClassSpec
from mien.tasks import Task


def build_network(
    spec: ClassSpec, sharing: ClassSpec | None, tasks: tuple[Task, ...], shape: tuple[int, ...], *, pretrained: bool
) -> nn.Module:
    """The network, wrapped in the scheme by which its tasks share it.

    Args:
        spec: the class of the network.
        sharing: the class that wraps it, if any.
        tasks: the label space.
        shape: shape of one input.
        pretrained: whether to load the pretrained weights that the network names.
    """
    try:
        network = spec.build(tasks=tasks, inputs=shape)
        if pretrained and hasattr(network, "load_pretrained"):
            network.load_pretrained()
    except (OSError, TypeError, ValueError) as error:
        raise RecipeError(f"network: {error}") from None
    try:
        network = sharing.build(network=network) if sharing else network
    except (TypeError, ValueError) as error:
        raise RecipeError(f"sharing: {error}") from None
    if not hasattr(getattr(network, "preprocessing", None), "to_dict"):
        raise RecipeError(f"network: {spec.name} has no `preprocessing` with `to_dict`")
    channels_last: nn.Module = network.to(memory_format=torch.channels_last)
    return channels_last


def check_inputs(network: nn.Module, manifests: Sequence[Manifest]) -> None:
    """Raise RecipeError if a network that declares the shape of its inputs cannot read those of a manifest."""
    shape = network.preprocessing.to_dict().get("shape")  # type: ignore[operator,union-attr]
    for each in manifests if shape else ():
        if size(shape) != size(each.shape):
            raise RecipeError(f"network: reads inputs of {_shown(shape)}; {each.path} holds {_shown(each.shape)}")


def size(shape: Sequence[int]) -> tuple[int, ...]:
    """The size of an input without its channels: grey pictures are treated like colour ones."""
    return tuple(shape[1:] if len(shape) == 3 else shape)


def _shown(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
