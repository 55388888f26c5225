"""The rows of a run: training and validation manifests, the label space, and the mixed batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mien.learn.data.batches.mixing import LabelledSet, Mixing, balanced, proportional_sizes
from mien.learn.data.batches.plans import Drawn, Plan
from mien.learn.data.manifest import Manifest, read_manifest
from mien.learn.data.manifest.folds import fold, refuse_shared
from mien.learn.data.manifest.shots import counted_by, scarce, shots_of
from mien.learn.recipe import Recipe, RecipeError
from mien.learn.recipe.settings import Rows
from mien.learn.train.setup.initial_network import size
from mien.spelling import did_you_mean
from mien.tasks import Task


def select_rows(recipe: Recipe) -> tuple[list[Manifest], list[Manifest]]:
    """The training rows of each data set and the validation rows of each place, after folds and shots."""
    folds: dict[tuple[Path, str], tuple[Manifest, Manifest]] = {}
    if recipe.fold is not None:
        validated = {part.place for part in recipe.validation}
        shared = {part.place: part for part in recipe.data if part.place in validated}
        folds = {place: fold(_read(part), **recipe.fold.model_dump()) for place, part in shared.items()}
        if not folds:
            raise RecipeError(
                f"fold: needs a data set with the manifest and split of the validation ({_shown(recipe.validation)});"
                f" data has {_shown(recipe.data)}"
            )
    training, validation = (
        [folds[part.place][side] if part.place in folds else _read(part) for part in parts]
        for side, parts in enumerate((recipe.data, recipe.validation))
    )
    if recipe.fold is not None and recipe.fold.group is not None:
        refuse_shared(training, validation, recipe.fold.group)
    for index, part in enumerate(recipe.data):
        if part.shots is not None:
            training[index] = shots_of(
                training[index], _shot_task(recipe, index, training[index]), part.shots, recipe.seed
            )
    return training, validation


def missing_shots(recipe: Recipe, training: Sequence[Manifest]) -> list[str]:
    """One line for each data set that has fewer rows of some class than its ``shots``."""
    lines = [
        (index, scarce(rows.column(task, hard=True), task, part.shots))
        for index, (part, rows) in enumerate(zip(recipe.data, training, strict=True))
        if part.shots is not None and (task := _shot_task(recipe, index, rows))
    ]
    return [f"data.{index}.shots: {line}" for index, line in lines if line]


def label_space(recipe: Recipe, training: Sequence[Manifest]) -> tuple[Task, ...]:
    """The tasks of the manifests, reduced to those that the recipe names."""
    known: dict[str, Task] = {}
    for manifest in training:
        for task in manifest.tasks:
            first = known.setdefault(task.name, task)
            if (first.kind, first.labels) != (task.kind, task.labels):
                raise RecipeError(f"{manifest.path}: task {task.name} differs from the one in the other manifests")
    for name in recipe.tasks or ():
        if name not in known:
            raise RecipeError(f"tasks: no manifest has the task {name}{did_you_mean(name, known)}")
    for index, (part, manifest) in enumerate(zip(recipe.data, training, strict=True)):
        own = [task.name for task in manifest.tasks]
        for name in part.tasks or ():
            if name not in own:
                raise RecipeError(f"data.{index}.tasks: {manifest.path} has no task {name}{did_you_mean(name, own)}")
        used = own if part.tasks is None else part.tasks
        for name in part.keep:
            if name not in used:
                raise RecipeError(
                    f"data.{index}.keep: the set contributes no labels of {name}{did_you_mean(name, used)}"
                )
    return tuple(known[name] for name in recipe.tasks or known)


def build_mixing(recipe: Recipe, training: Sequence[Manifest], tasks: Sequence[Task]) -> Mixing:
    """The batches of a run, with the labels that the manifests have."""
    if len({size(manifest.shape) for manifest in training}) > 1:
        raise RecipeError("data: the manifests hold inputs of different sizes")
    turns = [
        balanced(rows, counted_by(rows.tasks, part.tasks, recipe.tasks), part.balance, part.keep, recipe.seed)
        for part, rows in zip(recipe.data, training, strict=True)
    ]
    unsized = [len(each) for part, each in zip(recipe.data, turns, strict=True) if part.size is None]
    shares = iter(proportional_sizes(unsized, recipe.batch_size))
    sets = [
        LabelledSet(rows, part.tasks, part.size or next(shares), each, part.keep)
        for part, rows, each in zip(recipe.data, training, turns, strict=True)
    ]
    return Mixing(sets, tasks, recipe.seed, plan=_plan(recipe, [len(each) for each in turns]))


def _plan(recipe: Recipe, lengths: Sequence[int]) -> Plan | None:
    """The plan that draws the rows of each set in a step; None if their numbers are fixed."""
    if recipe.mixing.by == "aligned":
        return None
    for index, part in enumerate(recipe.data):
        if part.size is not None:
            raise RecipeError(f"data.{index}.size: mixing.by: {recipe.mixing.by} draws the sizes; remove this key")
    return Drawn(lengths, recipe.batch_size, recipe.mixing.temperature or 1.0, recipe.seed)


def _shot_task(recipe: Recipe, index: int, rows: Manifest) -> Task:
    """The task whose classes the shots of a data set are counted by."""
    task = counted_by(rows.tasks, recipe.data[index].tasks, recipe.tasks)
    if task is None:
        raise RecipeError(f"data.{index}.shots: the set has no classification task to count by")
    return task


def _shown(parts: Sequence[Rows]) -> str:
    return ", ".join(f"{part.manifest} {part.split}" for part in parts)


def _read(part: Rows) -> Manifest:
    return read_manifest(part.manifest).split(part.split)
