"""Training on from another run's weights, on labels of one's own (papers/003, section 3.1.4, few-shot learning).

"FaceBehaviorNet can be used as a pre-trained network and can be further fine-tuned (either with freezing some of its
parts or not)". What the heads share is taken over whole; a head only where the task is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mien.learn.checkpoint import CheckpointError, find, load_tensors, read_card, recipe_of
from mien.learn.models.pretrained import fill
from mien.learn.recipe.recipe import Recipe, RecipeError
from mien.learn.recipe.settings import Start
from mien.spelling import did_you_mean
from mien.tasks import Task

ENCODER = "encoder"
"""The part of a network that is all but its ``heads``."""

SIZES = ("shape", "size", "template", "vector", "view")
"""What a preprocessing says of the size of its inputs, and of the picture that it makes of them."""

HEADS = "heads."
"""How the names of the heads' weights begin; the name of the task follows."""


def begin(recipe: Recipe, network: nn.Module, tasks: Sequence[Task]) -> list[str]:
    """Fill a new network from the checkpoint that the recipe starts from; nothing without one.

    The encoder must be the same: class, names and shapes of its weights, and preprocessing but for the size of the
    inputs. A head is kept where the checkpoint has a task of the same name, kind and labels in the same order; the
    other heads stay as they are, so that labels which only share a task's name are never read by its old head.
    With ``start.partial`` the encoder may lack weights of the checkpoint's, and have others.

    Returns:
        Lines to tell: which heads were kept, and what begins afresh.

    Raises:
        RecipeError: if the checkpoint is of another network.
        CheckpointError: if it cannot be read.
    """
    if recipe.start.checkpoint is None:
        return []
    folder = find(Path(recipe.start.checkpoint)) or Path(recipe.start.checkpoint)
    card = read_card(folder)
    _check(recipe, network, recipe_of(card, folder), card, folder)
    try:
        known = {task.name: task for task in map(Task.from_dict, card["tasks"])}
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: its tasks cannot be read ({error})") from None
    kept = [task.name for task in tasks if _same(task, known.get(task.name))]
    own = network.state_dict()
    theirs = {
        name: tensor
        for name, tensor in load_tensors(folder, "network").items()
        if not name.startswith(HEADS) or task_of(name) in kept
    }
    if recipe.start.partial:
        theirs = {name: tensor for name, tensor in theirs.items() if name in own and tensor.shape == own[name].shape}
    may_begin = own if recipe.start.partial else [name for name in own if name.startswith(HEADS)]
    begun = {name: own[name] for name in may_begin if name not in theirs}
    try:
        fill(network, {**begun, **theirs}, str(folder))
    except ValueError as error:
        raise RecipeError(f"start.checkpoint: {str(error).removeprefix('weights: ')}") from None
    parts = dict.fromkeys(name.rpartition(".")[0] for name in begun if not name.startswith(HEADS))
    return [_told(folder, tasks, kept, known), *([f"begun afresh besides: {', '.join(parts)}"] if parts else [])]


def _check(recipe: Recipe, network: nn.Module, theirs: Recipe, card: dict[str, Any], folder: Path) -> None:
    """Refuse what would not be the same encoder, before its weights are compared."""
    if theirs.sharing:
        name = theirs.sharing.name
        raise RecipeError(f"start.checkpoint: {folder} has no one encoder; with {name} each task has its own way")
    if theirs.network.factory is not recipe.network.factory:
        raise RecipeError(f"start.checkpoint: {folder} is a {theirs.network.name}, not a {recipe.network.name}")
    ours, before = network.preprocessing.to_dict(), card["preprocessing"]  # type: ignore[operator,union-attr]
    for key in sorted({*_look(ours), *_look(before)}):
        if _look(ours).get(key) != _look(before).get(key):
            raise RecipeError(f"start.checkpoint: {folder} has {key} {before.get(key)}, this network {ours.get(key)}")


def _look(preprocessing: dict[str, Any]) -> dict[str, Any]:
    """What a preprocessing does to its inputs, whatever their size."""
    plain = {key: value for key, value in preprocessing.items() if key not in SIZES}
    if plain.get("detail") == preprocessing.get("size"):
        plain.pop("detail", None)
    return plain


def _same(task: Task, known: Task | None) -> bool:
    return known is not None and (task.kind, task.labels) == (known.kind, known.labels)


def task_of(name: str) -> str:
    """The task that a weight or a part of the heads belongs to."""
    return name.removeprefix(HEADS).split(".")[0]


def _told(folder: Path, tasks: Sequence[Task], kept: Sequence[str], known: Iterable[str]) -> str:
    fresh = [
        f"{task.name} (other labels)" if task.name in known else task.name for task in tasks if task.name not in kept
    ]
    return f"begun from {folder}: heads kept: {', '.join(kept) or 'none'}; begun afresh: {', '.join(fresh) or 'none'}"


def freeze(recipe: Recipe, network: nn.Module) -> list[nn.Module]:
    """Take the gradients from the parts that the recipe freezes; the modules that :func:`keep_frozen_in_eval` must hold.

    Raises:
        RecipeError: if a part is not in the network, nothing is left to learn, tasks share no one network, or a
            balancer needs gradients at features that nothing learns.
    """
    start = recipe.start
    if start != Start() and recipe.sharing:
        raise RecipeError(f"start: with {recipe.sharing.name} each task has its own way; leave one of both out")
    for key, parts in (("freeze", start.freeze), ("rates", start.rates)):
        _check_parts(network, parts, key)
    for name, weight in network.named_parameters():
        if _part(name, start) in start.freeze:
            weight.requires_grad_(False)
    learning = [name for name, weight in network.named_parameters() if weight.requires_grad]
    if start.freeze and not learning:
        raise RecipeError("start.freeze: nothing is left to learn")
    part = recipe.balancing
    if part and getattr(part.factory, "needs_features", False) and all(map(_of_head, learning)):
        raise RecipeError(f"balancing: {part.name} balances what the shared features learn; they are frozen")
    stateful = {name for name, child in network.named_children() if child.state_dict()}
    return [
        module
        for name, module in network.named_modules()
        if name.split(".")[0] in stateful and _part(name, start) in start.freeze
    ]


def keep_frozen_in_eval(modules: Iterable[nn.Module]) -> None:
    """Put frozen modules into evaluation mode, each by itself: batch normalisation and dropout act as in use."""
    for module in modules:
        module.training = False


def rate_groups(network: nn.Module, start: Start) -> list[dict[str, Any]]:
    """The weights that learn, in groups of one factor on the learning rate, for the optimiser."""
    groups: dict[float, list[Tensor]] = {}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            groups.setdefault(start.rates.get(_part(name, start), 1.0), []).append(weight)
    return [{"params": weights, "factor": factor} for factor, weights in groups.items()]


def _part(name: str, start: Start) -> str:
    """The part of ``start`` that a weight or module belongs to; empty if none holds it."""
    holding = [part for part in (*start.freeze, *start.rates) if _holds(part, name)]
    return max(holding, key=lambda part: 0 if part == ENCODER else len(part), default="")


def _holds(part: str, name: str) -> bool:
    return not _of_head(name) if part == ENCODER else f"{name}.".startswith(f"{part}.")


def _of_head(name: str) -> bool:
    return f"{name}.".startswith(HEADS)


def _check_parts(network: nn.Module, parts: Iterable[str], key: str) -> None:
    own = [name for name, module in network.named_modules() if name and any(True for _ in module.parameters())]
    for part in parts:
        if part not in (ENCODER, *own):
            raise RecipeError(f"start.{key}: the network has no part {part}{did_you_mean(part, [ENCODER, *own])}")
