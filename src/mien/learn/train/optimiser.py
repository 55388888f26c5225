"""The optimiser, and the learning rate over the steps."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from mien.learn.recipe.settings import Optimizer, Schedule


def learning_rate(step: int, steps: int, schedule: Schedule) -> float:
    """The factor on the highest rate at a step: linear warm-up, then half a cosine, a constant or a staircase."""
    warmup = schedule.warmup * steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if schedule.decay == "constant":
        return 1.0
    if schedule.decay == "staircase":
        return schedule.factor ** (step // schedule.every)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1.0, steps - warmup)))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameters, times the ``factor`` of their group if it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("factor", 1.0)


def optimizer_of(
    settings: Optimizer, parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]]
) -> torch.optim.Optimizer:
    """The optimiser of a recipe.

    Args:
        settings: the recipe's ``optimizer``.
        parameters: what it updates; or groups, each with ``params`` and the ``factor`` on its learning rate.
    """
    rate, decay = settings.rate, settings.weight_decay
    if settings.kind == "sgd":
        nesterov = settings.momentum > 0
        return torch.optim.SGD(parameters, rate, settings.momentum, weight_decay=decay, nesterov=nesterov)
    family = torch.optim.Adam if settings.kind == "adam" else torch.optim.AdamW
    return family(parameters, rate, betas=settings.betas, weight_decay=decay)
