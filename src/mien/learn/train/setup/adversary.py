"""The opponent of an adversarial run (papers/001): critic, grouping and decision radius."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from mien.learn.caf.critic import Critic
from mien.learn.caf.grouping import Grouping, radii
from mien.learn.data.batches.mixing import Mixing
from mien.learn.recipe import RecipeError
from mien.learn.recipe.class_spec import ClassSpec
from mien.learn.recipe.settings import Adversarial
from mien.spelling import did_you_mean
from mien.tasks import Kind, Task


@dataclass(frozen=True, eq=False)
class Opponent:
    """The critic that the encoder learns against, and the grouping of the rows.

    Args:
        settings: the recipe's ``adversarial``.
        critic: the critic with its initial weights, on the CPU.
        grouping: divides each batch into strong and weak rows.
        radius: the decision radius of the training rows.
        task: name of the continuous task whose labels are grouped.
        strata: for each training set 1 for strong rows, 0 for weak ones, -1 for rows in no group; None for a set
            without the task.
    """

    settings: Adversarial
    critic: Critic
    grouping: Grouping
    radius: float
    task: str
    strata: Sequence[np.ndarray | None]


def build_opponent(
    settings: Adversarial | None, network_name: str, network: nn.Module, tasks: Sequence[Task], mixing: Mixing
) -> Opponent | None:
    """The opponent that the recipe asks for, if any.

    Args:
        settings: the recipe's ``adversarial``.
        network_name: name of the network in error messages.
        network: has a ``trunk`` with a ``width``.
        tasks: the label space of the run.
        mixing: the training rows, whose labels determine the decision radius.

    Raises:
        RecipeError: if the settings do not fit the tasks, the labels or the network.
    """
    if settings is None:
        return None
    task = _grouped_task(settings.task, tasks)
    width = getattr(getattr(network, "trunk", None), "width", None)
    if width is None:
        raise RecipeError(f"network: {network_name} has no `trunk` with a `width` for the critic to read")
    if not encoder_parameters(network):
        raise RecipeError("adversarial: it trains the encoder, which `warm_start.freeze` freezes completely")
    grouping: Grouping = _build(settings.grouping, "grouping")
    radius = _decision_radius(grouping, task, mixing)
    strata = [_strata(columns.get(task.name), radius) for columns in mixing.columns]
    return Opponent(settings, _critic(settings, int(width)), grouping, radius, task.name, strata)


def encoder_parameters(network: nn.Module) -> list[nn.Parameter]:
    """The trainable parameters outside ``heads``: those that the features depend on."""
    named = network.named_parameters()
    return [weight for name, weight in named if not name.startswith("heads.") and weight.requires_grad]


def _critic(settings: Adversarial, width: int) -> Critic:
    margin = None if settings.margin is None else _build(settings.margin, "margin")
    if margin is not None and "margin" not in inspect.signature(settings.critic.factory).parameters:
        raise RecipeError(f"adversarial.margin: {settings.critic.name} has no margin; remove this key")
    critic: Critic = _build(settings.critic, "critic", features=width, margin=margin)
    return critic


def _build(spec: ClassSpec, key: str, **supplied: Any) -> Any:
    try:
        return spec.build(**supplied)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"adversarial.{key}: {error}") from None


def _grouped_task(name: str | None, tasks: Sequence[Task]) -> Task:
    continuous = [task for task in tasks if task.kind is Kind.CONTINUOUS]
    found = [task for task in continuous if name in (None, task.name)]
    if len(found) == 1:
        return found[0]
    names = [task.name for task in continuous]
    if name is None:
        raise RecipeError(f"adversarial.task: name one of the continuous tasks ({', '.join(names) or 'there is none'})")
    raise RecipeError(f"adversarial.task: no continuous task {name}{did_you_mean(name, names)}")


def _decision_radius(grouping: Grouping, task: Task, mixing: Mixing) -> float:
    """The decision radius of the training rows that are labelled in every dimension, if it gives two groups."""
    columns = [columns[task.name] for columns in mixing.columns if task.name in columns]
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
            " strong; both groups need rows"
        )
    return radius


def _strata(column: np.ndarray | None, radius: float) -> np.ndarray | None:
    """1 for strong rows, 0 for weak ones, -1 for rows in no group."""
    if column is None:
        return None
    lengths = radii(column)
    return np.where(np.isnan(lengths), -1, lengths >= radius).astype(int)
