"""Single-task training: a network for each task, from the recipe of all."""

from __future__ import annotations

import numpy as np

from mien.learn.data.manifest import Manifest
from mien.learn.recipe import Recipe, RecipeError
from mien.learn.recipe.settings import DataSet, WarmStart
from mien.learn.train.setup.rows import label_space, select_rows
from mien.learn.train.setup.warm_start import HEADS, task_of
from mien.tasks import Kind, Task


def each_task(recipe: Recipe) -> dict[str, Recipe]:
    """The recipe of each task's own network.

    Everything that needs other tasks is removed: couplings, their relatedness, balancing and sharing, the weights of
    their terms, the losses of other tasks, the parts of a warm start that name their heads, an adversary of another
    task, and probes, because several networks share no features. A data set without any label of the task is removed
    too, unless folds are cut from it. In the other sets, rows without a label stay: where all tasks share a set, all
    settings take the same number of steps over the same rows.

    Raises:
        RecipeError: if no data set provides labels of a task.
        mien.learn.data.manifest.ManifestError: if a manifest cannot be used.
    """
    training, _ = select_rows(recipe)
    return {task.name: _alone(recipe, task, training) for task in label_space(recipe, training)}


def _alone(recipe: Recipe, task: Task, training: list[Manifest]) -> Recipe:
    provides = [_provides(part, rows, task) for part, rows in zip(recipe.data, training, strict=True)]
    if not any(provides):
        raise RecipeError(f"data: no set provides labels of {task.name} for a network of its own")
    folded = {rows.place for rows in recipe.validation} if recipe.fold else set()
    kept = [part for part, own in zip(recipe.data, provides, strict=True) if own or part.place in folded]
    weight = {name: value for name, value in recipe.weights.items() if name == task.name}
    select = recipe.select if recipe.select and recipe.select.startswith(f"{task.name}.") else None
    alone: dict[str, object] = {"tasks": (task.name,), "data": tuple(kept), "weights": weight, "select": select}
    losses = {name: loss for name, loss in recipe.losses.items() if name == task.name}
    grouped = recipe.adversarial and recipe.adversarial.task in (None, task.name) and task.kind is Kind.CONTINUOUS
    alone |= {"losses": losses, "adversarial": recipe.adversarial if grouped else None}
    alone |= {"warm_start": _started(recipe.warm_start, task), "probes": {}}
    return recipe.model_copy(update={**alone, "relatedness": (), "couplings": (), "balancing": None, "sharing": None})


def _started(start: WarmStart, task: Task) -> WarmStart:
    """The warm start without the heads of other tasks."""

    def own(part: str) -> bool:
        return not part.startswith(HEADS) or task_of(part) == task.name

    freeze = tuple(filter(own, start.freeze))
    return start.model_copy(update={"freeze": freeze, "rates": {k: v for k, v in start.rates.items() if own(k)}})


def _provides(part: DataSet, rows: Manifest, task: Task) -> bool:
    known = any((each.name, each.labels) == (task.name, task.labels) for each in rows.tasks)
    provided = known and (part.tasks is None or task.name in part.tasks) and part.keep.get(task.name, 1) > 0
    return provided and not bool(np.isnan(rows.column(task)).all())
