"""The validation metric that selects the best checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.learn.data.manifest import Manifest
from mien.learn.evaluate.metrics import lower_is_better, metrics
from mien.learn.recipe import RecipeError
from mien.spelling import did_you_mean
from mien.tasks import Kind, Task

HEADLINES = {Kind.CLASSES: "accuracy", Kind.ATTRIBUTES: "f1", Kind.CONTINUOUS: "ccc"}
"""The metric by which a run is compared, for each kind of task."""


def metric_names(tasks: tuple[Task, ...], validation: Sequence[Manifest]) -> list[str]:
    """The metrics that the labels of the validation rows allow, checked before any training."""
    own = {task.name: task for task in tasks}
    for part in validation:
        for task in part.tasks:
            if task.name in own and (own[task.name].kind, own[task.name].labels) != (task.kind, task.labels):
                raise RecipeError(
                    f"validation: {part.path}: task {task.name} differs from the one in the training data"
                )
    labels = {task.name: np.concatenate([part.column(task, hard=True) for part in validation]) for task in tasks}
    blank = {task.name: np.zeros((len(labels[task.name]), len(task)), np.float32) for task in tasks}
    known = {name: ~np.isnan(column) for name, column in labels.items()}
    return [*metrics(blank, {name: np.nan_to_num(column) for name, column in labels.items()}, known, tasks)]


def selection_metric(wanted: str | None, tasks: tuple[Task, ...], validation: Sequence[Manifest]) -> str:
    """The metric that selects ``best``: the wanted one, or the headline of the first task with validation labels."""
    if wanted and lower_is_better(wanted):
        raise RecipeError(f"select: lower {wanted} is better; choose a metric for which higher is better")
    names = metric_names(tasks, validation)
    if wanted is None:
        wanted = next((name for task in tasks if (name := f"{task.name}.{HEADLINES[task.kind]}") in names), None)
        if wanted is None:
            paths = ", ".join(str(part.path) for part in validation)
            raise RecipeError(f"validation: {paths} has no labels of {', '.join(task.name for task in tasks)}")
    elif wanted not in names:
        raise RecipeError(f"select: the validation has no metric {wanted}{did_you_mean(wanted, names)}")
    return wanted
