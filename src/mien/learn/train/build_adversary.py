"""From a checked recipe to the adversary of a run; what does not fit is a RecipeError."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from accelerate import Accelerator
from torch import nn

from mien.learn.caf.critic import Critic
from mien.learn.caf.grouping import Grouping, radii
from mien.learn.data.batches.mixing import Mixing
from mien.learn.recipe.class_spec import ClassSpec
from mien.learn.recipe.recipe import Recipe, RecipeError
from mien.learn.recipe.settings import Adversarial
from mien.learn.train.adversary import Adversary
from mien.spelling import did_you_mean
from mien.tasks import Kind, Task


def adversary(
    recipe: Recipe, network: nn.Module, tasks: Sequence[Task], labels: Mixing, accelerator: Accelerator
) -> tuple[Adversary | None, Mixing]:
    """The critic and what belongs to it, on the network's device (None if the recipe has none), and the batches.

    Args:
        recipe: ``adversarial`` says what.
        network: has a ``trunk`` of a ``width``; what it owns outside ``heads``, and is not frozen, is the encoder.
        tasks: the label space of the run.
        labels: of the training rows, which the grouping is made from; ``stratify`` returns them in another order.
        accelerator: knows the device and the other ranks.

    Raises:
        RecipeError: if it does not fit the tasks, the labels or the network.
    """
    settings = recipe.adversarial
    if settings is None:
        return None, labels
    if recipe.sharing:
        raise RecipeError(f"adversarial: it needs shared features; with {recipe.sharing.name} each task has its own")
    task = _task(settings.task, tasks)
    width = getattr(getattr(network, "trunk", None), "width", None)
    if width is None:
        raise RecipeError(f"network: {recipe.network.name} has no `trunk` with a `width` for the critic to read")
    grouping: Grouping = _built(settings.grouping, "grouping")
    radius = _radius(grouping, task, labels)
    if settings.stratify:
        labels = labels.stratified([_strata(columns.get(task.name), radius) for columns in labels.columns])
    critic = _critic(settings, int(width))
    named = network.named_parameters()
    encoder = [weight for name, weight in named if not name.startswith("heads.") and weight.requires_grad]
    if not encoder:
        raise RecipeError("adversarial: it teaches the encoder, all of which `start.freeze` holds")
    built = Adversary(settings, critic.to(accelerator.device), encoder, grouping, radius, task.name, accelerator)
    return built, labels


def _critic(settings: Adversarial, width: int) -> Critic:
    margin = None if settings.margin is None else _built(settings.margin, "margin")
    if margin is not None and "margin" not in inspect.signature(settings.critic.factory).parameters:
        raise RecipeError(f"adversarial.margin: {settings.critic.name} has no margin; leave it out")
    critic: Critic = _built(settings.critic, "critic", features=width, margin=margin)
    return critic


def _built(part: ClassSpec, key: str, **given: Any) -> Any:
    try:
        return part.build(**given)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"adversarial.{key}: {error}") from None


def _task(name: str | None, tasks: Sequence[Task]) -> Task:
    continuous = [task for task in tasks if task.kind is Kind.CONTINUOUS]
    found = [task for task in continuous if name in (None, task.name)]
    if len(found) == 1:
        return found[0]
    names = [task.name for task in continuous]
    if name is None:
        raise RecipeError(f"adversarial.task: name one of the continuous tasks ({', '.join(names) or 'there is none'})")
    raise RecipeError(f"adversarial.task: there is no continuous task {name}{did_you_mean(name, names)}")


def _radius(grouping: Grouping, task: Task, labels: Mixing) -> float:
    """The decision radius of the training rows that are labelled in every dimension, if both groups have any."""
    columns = [columns[task.name] for columns in labels.columns if task.name in columns]
    known = [column[~np.isnan(column).any(1)] for column in columns]
    points = np.concatenate(known) if known else np.zeros((0, len(task)))
    if not len(points):
        raise RecipeError(f"adversarial: no training row has all labels of {task.name}")
    try:
        radius = grouping.decision_radius(points)
    except ValueError as error:
        raise RecipeError(f"adversarial.grouping: {error}") from None
    strong = int((radii(points) >= radius).sum())
    if not math.isfinite(radius) or not 2 <= strong < len(points):
        raise RecipeError(
            f"adversarial.grouping: with the decision radius {radius:.3g} {strong} of {len(points)} training rows are"
            " strong; each group needs some"
        )
    return radius


def _strata(column: np.ndarray | None, radius: float) -> np.ndarray | None:
    """1 for strong rows, 0 for weak ones, -1 for those that are in no group."""
    if column is None:
        return None
    lengths = radii(column)
    return np.where(np.isnan(lengths), -1, lengths >= radius).astype(int)
