"""Checkpoints: a folder with safetensors for tensors and JSON for everything else; never a pickle."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import mien
from mien.learn.recipe import Recipe, parse_stored
from mien.relatedness.table import Relatedness
from mien.tasks import Task

FORMAT = 1
NETWORK, OPTIMIZER, CARD = "network.safetensors", "optimizer.safetensors", "checkpoint.json"


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message names the folder and the reason."""


def save(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    *,
    extra: Mapping[str, Mapping[str, Tensor]] | None = None,
    tasks: tuple[Task, ...],
    relatedness: Sequence[Relatedness],
    recipe: dict[str, Any],
    state: dict[str, Any],
) -> None:
    """Write a checkpoint atomically: a kill leaves the complete old one or the complete new one.

    Args:
        folder: the folder of the checkpoint; an existing one is replaced.
        network, optimizer: what to save.
        extra: tensors of anything else that learns, by file name.
        tasks, relatedness: the label space, and the tables over its pairs of tasks.
        recipe: plain data of the recipe.
        state: step, metrics and everything else that the trainer needs to resume.
    """
    fresh, stale = (folder.with_name(f".{folder.name}.{suffix}") for suffix in ("new", "old"))
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, fresh / NETWORK)
    save_file(flat(optimizer), fresh / OPTIMIZER)
    for name, tensors in (extra or {}).items():
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, fresh / f"{name}.safetensors")
    card = {
        "format": FORMAT,
        "versions": {"mien": mien.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "tasks": [task.to_dict() for task in tasks],
        "preprocessing": network.preprocessing.to_dict(),  # type: ignore[operator,union-attr]
        "relatedness": [table.to_dict() for table in relatedness],
        "recipe": recipe,
        "state": state,
    }
    (fresh / CARD).write_text(json.dumps(card, indent=1))
    if folder.exists():
        shutil.rmtree(stale, ignore_errors=True)
        folder.rename(stale)
    fresh.rename(folder)
    shutil.rmtree(stale, ignore_errors=True)


def find(folder: Path) -> Path | None:
    """Find a checkpoint: ``folder``, or the old one next to it if a kill interrupted its replacement; else None."""
    stale = folder.with_name(f".{folder.name}.old")
    return next((place for place in (folder, stale) if place.exists()), None)


def read_card(folder: Path | str) -> dict[str, Any]:
    """Read the JSON part of a checkpoint.

    Raises:
        CheckpointError: if there is none, or it has another format.
    """
    folder = find(Path(folder)) or Path(folder)
    try:
        card: dict[str, Any] = dict(json.loads((folder / CARD).read_text()))
    except (OSError, TypeError, ValueError):
        raise CheckpointError(f"{folder}: not a checkpoint of mien (no readable {CARD})") from None
    if card.get("format") != FORMAT:
        raise CheckpointError(f"{folder}: checkpoint format {card.get('format')}, this version reads {FORMAT}")
    return card


def recipe_of(card: dict[str, Any], folder: Path) -> Recipe:
    """The recipe of a checkpoint; keys that were added later take their defaults.

    Raises:
        CheckpointError: if this version cannot read it.
    """
    try:
        return parse_stored(card["recipe"], f"{folder}: recipe")
    except (AttributeError, KeyError, ValueError) as error:
        raise CheckpointError(f"{folder}: its recipe cannot be read ({error})") from None


def load_network(folder: Path | str) -> tuple[nn.Module, dict[str, Any]]:
    """The network of a checkpoint, ready to predict, and its card.

    Raises:
        CheckpointError: as :func:`read_card`, or if the weights are missing, damaged or belong to another network.
    """
    folder = find(Path(folder)) or Path(folder)
    card = read_card(folder)
    try:
        tasks = tuple(Task.from_dict(task) for task in card["tasks"])
        recipe = recipe_of(card, folder)
        network: nn.Module = recipe.network.build(tasks=tasks, inputs=card["preprocessing"].get("shape"))
        if recipe.sharing:
            network = recipe.sharing.build(network=network)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: its network cannot be built ({error})") from None
    load_weights(network, folder)
    return network.eval(), card


def load_weights(network: nn.Module, folder: Path) -> None:
    """Fill a network from a checkpoint; CheckpointError if its weights are missing, damaged or do not fit."""
    try:
        network.load_state_dict(load_file(folder / NETWORK))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{folder}: {NETWORK} cannot be used ({' '.join(str(error).split())[:200]})") from None


def load_optimizer(optimizer: torch.optim.Optimizer, folder: Path) -> None:
    """Fill an optimiser's state from a checkpoint; CheckpointError if it is missing or damaged."""
    try:
        unflatten(optimizer, load_tensors(folder, Path(OPTIMIZER).stem))
    except ValueError as error:
        raise CheckpointError(f"{folder}: {OPTIMIZER} cannot be used ({error})") from None


def load_tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """Tensors stored next to the network; CheckpointError if they are missing or damaged."""
    try:
        return load_file(folder / f"{name}.safetensors")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: {name}.safetensors cannot be used ({error})") from None


def unflatten(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Fill an optimiser's state with the tensors of :func:`flat`; ValueError if they do not fit."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, key = name.partition(".")
        if not index.isdigit():
            raise ValueError(f"unexpected tensor {name}")
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def flat(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The per-parameter tensors of an optimiser as ``index.key``; empty before the first step."""
    return {
        f"{index}.{key}": value.contiguous()
        for index, entry in optimizer.state_dict()["state"].items()
        for key, value in entry.items()
        if isinstance(value, Tensor)
    }
