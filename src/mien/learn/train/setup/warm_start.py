"""Warm starts: initial weights from another run, frozen parts, and learning rates of parts.

"FaceBehaviorNet can be used as a pre-trained network and can be further fine-tuned (either with freezing some of its
parts or not)" (papers/003, section 3.1.4, few-shot learning). The encoder is loaded whole; a head only if the task is
the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mien.learn.checkpoint import CheckpointError, find, load_tensors, read_card, recipe_of
from mien.learn.models.pretrained import fill
from mien.learn.recipe import Recipe, RecipeError
from mien.learn.recipe.class_spec import ClassSpec
from mien.learn.recipe.settings import WarmStart
from mien.spelling import did_you_mean
from mien.tasks import Task

ENCODER = "encoder"
"""The part of a network that is everything except its ``heads``."""

SIZES = ("shape", "size", "template", "vector", "view")
"""Keys of a preprocessing that hold the size of its inputs, or of the picture that it makes of them."""

HEADS = "heads."
"""Prefix of the names of the heads' weights; the name of the task follows."""


def load_warm_start(network: nn.Module, settings: WarmStart, spec: ClassSpec, tasks: Sequence[Task]) -> list[str]:
    """Fill a new network from the checkpoint of a warm start, if there is one.

    The encoder must be the same: class, names and shapes of its weights, and preprocessing except for the size of the
    inputs. A head is loaded if the checkpoint has a task with the same name, kind and labels in the same order; other
    heads keep their random weights, so labels that only share a task's name are never predicted by its old head. With
    ``partial`` the encoder may lack weights of the checkpoint, and have others.

    Args:
        network: to fill.
        settings: the recipe's ``warm_start``.
        spec: the recipe's network.
        tasks: the label space of the run.

    Returns:
        Lines to report: which heads were loaded, and what is new.

    Raises:
        RecipeError: if the checkpoint holds another network.
        CheckpointError: if it cannot be read.
    """
    if settings.checkpoint is None:
        return []
    folder = find(Path(settings.checkpoint)) or Path(settings.checkpoint)
    card = read_card(folder)
    _check_encoder(network, spec, recipe_of(card, folder), card, folder)
    try:
        known = {task.name: task for task in map(Task.from_dict, card["tasks"])}
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: its tasks cannot be read ({error})") from None
    loaded = [task.name for task in tasks if _same(task, known.get(task.name))]
    own = network.state_dict()
    theirs = {
        name: tensor
        for name, tensor in load_tensors(folder, "network").items()
        if not name.startswith(HEADS) or task_of(name) in loaded
    }
    if settings.partial:
        theirs = {name: tensor for name, tensor in theirs.items() if name in own and tensor.shape == own[name].shape}
    may_be_new = own if settings.partial else [name for name in own if name.startswith(HEADS)]
    new = {name: own[name] for name in may_be_new if name not in theirs}
    try:
        fill(network, {**new, **theirs}, str(folder))
    except ValueError as error:
        raise RecipeError(f"warm_start.checkpoint: {str(error).removeprefix('weights: ')}") from None
    parts = dict.fromkeys(name.rpartition(".")[0] for name in new if not name.startswith(HEADS))
    return [_report(folder, tasks, loaded, known), *([f"also new: {', '.join(parts)}"] if parts else [])]


def freeze(network: nn.Module, settings: WarmStart, balancing: ClassSpec | None) -> list[nn.Module]:
    """Turn off the gradients of the frozen parts; return the modules for :func:`keep_frozen_in_eval`.

    Raises:
        RecipeError: if a part is not in the network, nothing is left to learn, or a balancer needs gradients at
            features that nothing learns.
    """
    for key, parts in (("freeze", settings.freeze), ("rates", settings.rates)):
        _check_parts(network, parts, key)
    for name, weight in network.named_parameters():
        if _part(name, settings) in settings.freeze:
            weight.requires_grad_(False)
    learning = [name for name, weight in network.named_parameters() if weight.requires_grad]
    if settings.freeze and not learning:
        raise RecipeError("warm_start.freeze: nothing is left to learn")
    if balancing and getattr(balancing.factory, "needs_features", False) and all(map(_in_head, learning)):
        raise RecipeError(f"balancing: {balancing.name} balances the learning of the shared features; they are frozen")
    stateful = {name for name, child in network.named_children() if child.state_dict()}
    return [
        module
        for name, module in network.named_modules()
        if name.split(".")[0] in stateful and _part(name, settings) in settings.freeze
    ]


def keep_frozen_in_eval(modules: Iterable[nn.Module]) -> None:
    """Put frozen modules into evaluation mode, each by itself: batch normalisation and dropout act as in inference."""
    for module in modules:
        module.training = False


def rate_groups(network: nn.Module, settings: WarmStart) -> list[dict[str, Any]]:
    """The trainable weights, in groups with one factor on the learning rate, for the optimiser."""
    groups: dict[float, list[Tensor]] = {}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            groups.setdefault(settings.rates.get(_part(name, settings), 1.0), []).append(weight)
    return [{"params": weights, "factor": factor} for factor, weights in groups.items()]


def task_of(name: str) -> str:
    """The task that a weight or a part of the heads belongs to."""
    return name.removeprefix(HEADS).split(".")[0]


def _check_encoder(network: nn.Module, spec: ClassSpec, theirs: Recipe, card: dict[str, Any], folder: Path) -> None:
    """Reject a different encoder before its weights are compared."""
    if theirs.sharing:
        name = theirs.sharing.name
        raise RecipeError(f"warm_start.checkpoint: {folder} has no single encoder; with {name} each task has its own")
    if theirs.network.factory is not spec.factory:
        raise RecipeError(f"warm_start.checkpoint: {folder} is a {theirs.network.name}, not a {spec.name}")
    ours, before = network.preprocessing.to_dict(), card["preprocessing"]  # type: ignore[operator,union-attr]
    for key in sorted({*_apart_from_size(ours), *_apart_from_size(before)}):
        if _apart_from_size(ours).get(key) != _apart_from_size(before).get(key):
            raise RecipeError(
                f"warm_start.checkpoint: {folder} has {key} {before.get(key)}, this network {ours.get(key)}"
            )


def _apart_from_size(preprocessing: dict[str, Any]) -> dict[str, Any]:
    """A preprocessing without the keys of its sizes."""
    plain = {key: value for key, value in preprocessing.items() if key not in SIZES}
    if plain.get("detail") == preprocessing.get("size"):
        plain.pop("detail", None)
    return plain


def _same(task: Task, known: Task | None) -> bool:
    return known is not None and (task.kind, task.labels) == (known.kind, known.labels)


def _report(folder: Path, tasks: Sequence[Task], loaded: Sequence[str], known: Iterable[str]) -> str:
    new = [
        f"{task.name} (other labels)" if task.name in known else task.name for task in tasks if task.name not in loaded
    ]
    return f"started from {folder}: heads loaded: {', '.join(loaded) or 'none'}; new: {', '.join(new) or 'none'}"


def _part(name: str, settings: WarmStart) -> str:
    """The part of ``settings`` that a weight or module belongs to; empty if none holds it."""
    holding = [part for part in (*settings.freeze, *settings.rates) if _holds(part, name)]
    return max(holding, key=lambda part: 0 if part == ENCODER else len(part), default="")


def _holds(part: str, name: str) -> bool:
    return not _in_head(name) if part == ENCODER else f"{name}.".startswith(f"{part}.")


def _in_head(name: str) -> bool:
    return f"{name}.".startswith(HEADS)


def _check_parts(network: nn.Module, parts: Iterable[str], key: str) -> None:
    own = [name for name, module in network.named_modules() if name and any(True for _ in module.parameters())]
    for part in parts:
        if part not in (ENCODER, *own):
            raise RecipeError(f"warm_start.{key}: the network has no part {part}{did_you_mean(part, [ENCODER, *own])}")
