"""Single-task training: one network for each task, from the recipe of all."""

from __future__ import annotations

import numpy as np

from mien.learn.data.manifest.manifest import Manifest
from mien.learn.recipe.recipe import Recipe, RecipeError
from mien.learn.recipe.settings import DataSet, WarmStart
from mien.learn.train.setup.rows import label_space, select_rows
from mien.learn.train.setup.warm_start import HEADS, task_of
from mien.tasks import Kind, Task


def each_task(recipe: Recipe) -> dict[str, Recipe]:
    """The recipe of each task's own network.

    Couplings, their relatedness, balancing and sharing need other tasks and are left out, and so are the weights of
    terms that are gone, the losses of other tasks, what a start says of their heads, and an adversary but where its
    task is trained; probes too, for several networks have no features in common. A data set without any label of the
    task is left out as well, unless a fold is cut from it. In the other sets the rows without a label stay, as in the
    runs that this one is compared with: where all tasks share a set, all settings make the same number of steps over
    the same rows.

    Raises:
        RecipeError: if no data set lends a label of some task.
        mien.learn.data.manifest.manifest.ManifestError: if a manifest cannot be used.
    """
    training, _ = select_rows(recipe)
    return {task.name: _alone(recipe, task, training) for task in label_space(recipe, training)}


def _alone(recipe: Recipe, task: Task, training: list[Manifest]) -> Recipe:
    lending = [_lends(part, rows, task) for part, rows in zip(recipe.data, training, strict=True)]
    if not any(lending):
        raise RecipeError(f"data: no set lends a label of {task.name}, so it has no network of its own")
    judged = {rows.place for rows in recipe.validation} if recipe.fold else set()
    kept = [part for part, lends in zip(recipe.data, lending, strict=True) if lends or part.place in judged]
    weight = {name: value for name, value in recipe.weights.items() if name == task.name}
    select = recipe.select if recipe.select and recipe.select.startswith(f"{task.name}.") else None
    alone: dict[str, object] = {"tasks": (task.name,), "data": tuple(kept), "weights": weight, "select": select}
    losses = {name: loss for name, loss in recipe.losses.items() if name == task.name}
    grouped = recipe.adversarial and recipe.adversarial.task in (None, task.name) and task.kind is Kind.CONTINUOUS
    alone |= {"losses": losses, "adversarial": recipe.adversarial if grouped else None}
    alone |= {"warm_start": _started(recipe.warm_start, task), "probes": {}}
    return recipe.model_copy(update={**alone, "relatedness": (), "couplings": (), "balancing": None, "sharing": None})


def _started(start: WarmStart, task: Task) -> WarmStart:
    """Without what is said of the heads of other tasks."""

    def own(part: str) -> bool:
        return not part.startswith(HEADS) or task_of(part) == task.name

    freeze = tuple(filter(own, start.freeze))
    return start.model_copy(update={"freeze": freeze, "rates": {k: v for k, v in start.rates.items() if own(k)}})


def _lends(part: DataSet, rows: Manifest, task: Task) -> bool:
    known = any((each.name, each.labels) == (task.name, task.labels) for each in rows.tasks)
    lent = known and (part.tasks is None or task.name in part.tasks) and part.keep.get(task.name, 1) > 0
    return lent and not bool(np.isnan(rows.column(task)).all())
