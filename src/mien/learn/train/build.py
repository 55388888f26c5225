"""From a checked recipe and its manifests to the parts of a run; what does not fit is a RecipeError."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mien.learn.balancing import FixedWeights
from mien.learn.balancing.balancer import Balancer
from mien.learn.data.batches.mixing import LabelledSet, Mixing, balanced, proportional_sizes
from mien.learn.data.batches.plans import Drawn, Plan
from mien.learn.data.manifest.folds import fold, refuse_shared
from mien.learn.data.manifest.manifest import Manifest, read_manifest
from mien.learn.data.manifest.shots import counted_by, scarce, shots_of
from mien.learn.evaluate.metrics import lower_is_better, metrics
from mien.learn.losses.supervised import Loss
from mien.learn.recipe.recipe import Recipe, RecipeError
from mien.learn.recipe.settings import Rows
from mien.learn.train.objective import Coupled
from mien.spelling import did_you_mean
from mien.tasks import Kind, Task


def manifests(recipe: Recipe) -> tuple[list[Manifest], list[Manifest]]:
    """The training rows of each data set, and the validation rows of each place."""
    divided: dict[tuple[Path, str], tuple[Manifest, Manifest]] = {}
    if recipe.fold is not None:
        judged = {part.place for part in recipe.validation}
        places = {part.place: part for part in recipe.data if part.place in judged}
        divided = {place: fold(_rows(part), **recipe.fold.model_dump()) for place, part in places.items()}
        if not divided:
            raise RecipeError("fold: no data set has the manifest and the split of the validation")
    training, validation = (
        [divided[part.place][side] if part.place in divided else _rows(part) for part in parts]
        for side, parts in enumerate((recipe.data, recipe.validation))
    )
    if recipe.fold is not None and recipe.fold.group is not None:
        refuse_shared(training, validation, recipe.fold.group)
    for index, part in enumerate(recipe.data):
        if part.shots is not None:
            counted = _counted(recipe, index, training[index])
            training[index] = shots_of(training[index], counted, part.shots, recipe.seed)
    return training, validation


def _counted(recipe: Recipe, index: int, rows: Manifest) -> Task:
    """The task whose classes the shots of a data set are counted by."""
    task = counted_by(rows.tasks, recipe.data[index].tasks, recipe.tasks)
    if task is None:
        raise RecipeError(f"data.{index}.shots: the set lends no task of classes to count by")
    return task


def lacking_shots(recipe: Recipe, training: Sequence[Manifest]) -> list[str]:
    """A line for each data set that has not as many rows of every class as its ``shots`` want."""
    found = [
        (index, scarce(rows.column(task, hard=True), task, part.shots))
        for index, (part, rows) in enumerate(zip(recipe.data, training, strict=True))
        if part.shots is not None and (task := _counted(recipe, index, rows))
    ]
    return [f"data.{index}.shots: {line}" for index, line in found if line]


def _rows(part: Rows) -> Manifest:
    return read_manifest(part.manifest).split(part.split)


def label_space(recipe: Recipe, training: Sequence[Manifest]) -> tuple[Task, ...]:
    """The tasks of the manifests, cut down to what the recipe names."""
    known: dict[str, Task] = {}
    for manifest in training:
        for task in manifest.tasks:
            first = known.setdefault(task.name, task)
            if (first.kind, first.labels) != (task.kind, task.labels):
                raise RecipeError(f"{manifest.path}: its task {task.name} is not that of the other manifests")
    for name in recipe.tasks or ():
        if name not in known:
            raise RecipeError(f"tasks: no manifest has the task {name}{did_you_mean(name, known)}")
    for index, (part, manifest) in enumerate(zip(recipe.data, training, strict=True)):
        own = [task.name for task in manifest.tasks]
        for name in part.tasks or ():
            if name not in own:
                raise RecipeError(f"data.{index}.tasks: {manifest.path} has no task {name}{did_you_mean(name, own)}")
        lent = own if part.tasks is None else part.tasks
        for name in part.keep:
            if name not in lent:
                raise RecipeError(f"data.{index}.keep: the set lends no labels of {name}{did_you_mean(name, lent)}")
    return tuple(known[name] for name in recipe.tasks or known)


def mixing(recipe: Recipe, training: Sequence[Manifest], tasks: Sequence[Task], rank: int, world: int) -> Mixing:
    """The batches of a run."""
    if len({_size(manifest.shape) for manifest in training}) > 1:
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
    plan = _plan(recipe, [len(each) for each in turns])
    return Mixing(sets, tasks, recipe.seed, rank=rank, world=world, plan=plan)


def _plan(recipe: Recipe, lengths: Sequence[int]) -> Plan | None:
    """How many rows of each set stand in a step, where that is drawn."""
    if recipe.mixing.by == "aligned":
        return None
    for index, part in enumerate(recipe.data):
        if part.size is not None:
            raise RecipeError(f"data.{index}.size: mixing.by: {recipe.mixing.by} draws the sizes; leave it out")
    return Drawn(lengths, recipe.batch_size, recipe.mixing.temperature or 1.0, recipe.seed)


def network(recipe: Recipe, tasks: tuple[Task, ...], shape: tuple[int, ...], fresh: bool) -> nn.Module:
    """The network with what its tasks share, before any training; a run that goes on needs no pretrained weights."""
    try:
        built = recipe.network.build(tasks=tasks, inputs=shape)
        if fresh and recipe.start.checkpoint is None and hasattr(built, "load_pretrained"):
            built.load_pretrained()
    except (OSError, TypeError, ValueError) as error:
        raise RecipeError(f"network: {error}") from None
    try:
        built = recipe.sharing.build(network=built) if recipe.sharing else built
    except (TypeError, ValueError) as error:
        raise RecipeError(f"sharing: {error}") from None
    if not hasattr(getattr(built, "preprocessing", None), "to_dict"):
        raise RecipeError(f"network: {recipe.network.name} has no `preprocessing` with `to_dict`")
    laid_out: nn.Module = built.to(memory_format=torch.channels_last)
    return laid_out


def check_inputs(network: nn.Module, manifests: Sequence[Manifest]) -> None:
    """Raise RecipeError if a network that says what it reads cannot read the inputs of a manifest."""
    shape = network.preprocessing.to_dict().get("shape")  # type: ignore[operator,union-attr]
    for each in manifests if shape else ():
        if _size(shape) != _size(each.shape):
            raise RecipeError(f"network: it reads inputs of {_shown(shape)}; {each.path} holds {_shown(each.shape)}")


def _size(shape: Sequence[int]) -> tuple[int, ...]:
    """Of pictures without their channels: grey ones are read as coloured ones."""
    return tuple(shape[1:] if len(shape) == 3 else shape)


def _shown(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def terms(tasks: Sequence[Task], coupled: Sequence[Coupled]) -> list[str]:
    """The run's names of its losses."""
    return [*(task.name for task in tasks), *(name for each in coupled for name in each.names.values())]


def balancer(recipe: Recipe, names: Sequence[str]) -> Balancer | None:
    """What weighs the terms of these names in every step, if anything does."""
    if recipe.balancing is None:
        return None
    name = recipe.balancing.name
    try:
        built: Balancer = recipe.balancing.build()
    except ValueError as error:
        raise RecipeError(f"balancing: {name}: {error}") from None
    if getattr(built, "needs_features", False) and recipe.sharing:
        raise RecipeError(f"balancing: {name} needs shared features; with {recipe.sharing.name} each task has its own")
    for each in getattr(built, "regression", ()):
        if each not in names:
            raise RecipeError(f"balancing: {name}: regression: there is no loss {each}{did_you_mean(each, names)}")
    return built


def lambdas(recipe: Recipe, tasks: Sequence[Task], coupled: Sequence[Coupled]) -> FixedWeights:
    """The recipe's fixed weights; a coupling's own name of a term stands for it over every pair."""
    names = terms(tasks, coupled)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"couplings: the loss {twice[0]} stands there twice")
    weights = {
        name: recipe.weights[term] for each in coupled for term, name in each.names.items() if term in recipe.weights
    }
    bare = {term for each in coupled for term in each.names}
    for name in recipe.weights:
        if name not in names and name not in bare:
            raise RecipeError(f"weights.{name}: there is no such loss{did_you_mean(name, names)}")
    return FixedWeights({**weights, **{name: value for name, value in recipe.weights.items() if name in names}})


def losses(recipe: Recipe, tasks: Sequence[Task], mixed: Mixing) -> dict[str, Loss]:
    """The losses that stand for the ordinary ones, by the task's name; priors are counted over the rows of a pass."""
    own = {task.name: task for task in tasks}
    found: dict[str, Loss] = {}
    for name, part in recipe.losses.items():
        if name not in own:
            raise RecipeError(f"losses.{name}: the run has no such task{did_you_mean(name, own)}")
        try:
            loss = part.build()
            if hasattr(loss, "counted"):
                sets = zip(mixed.sets, mixed.columns, mixed.plan.per_step, strict=True)
                labelled = [(columns[name][each.rows], rows) for each, columns, rows in sets if name in columns]
                loss = loss.counted(labelled, len(own[name]))
        except ValueError as error:
            raise RecipeError(f"losses.{name}: {error}") from None
        if loss.kind is not own[name].kind:
            kinds = f"{loss.kind.value}; {name} has {own[name].kind.value}"
            raise RecipeError(f"losses.{name}: {part.name} is for {kinds}")
        found[name] = loss
    return found


HEADLINES = {Kind.CLASSES: "accuracy", Kind.ATTRIBUTES: "f1", Kind.CONTINUOUS: "ccc"}
"""The figure of each kind of task that a run is judged by."""


def figure_names(tasks: tuple[Task, ...], validation: Sequence[Manifest]) -> list[str]:
    """The figures that the validation rows give, checked against their labels before any training."""
    own = {task.name: task for task in tasks}
    for part in validation:
        for task in part.tasks:
            if task.name in own and (own[task.name].kind, own[task.name].labels) != (task.kind, task.labels):
                raise RecipeError(f"validation: {part.path}: its task {task.name} is not that of the training data")
    labels = {task.name: np.concatenate([part.column(task, hard=True) for part in validation]) for task in tasks}
    blank = {task.name: np.zeros((len(labels[task.name]), len(task)), np.float32) for task in tasks}
    known = {name: ~np.isnan(column) for name, column in labels.items()}
    return [*metrics(blank, {name: np.nan_to_num(column) for name, column in labels.items()}, known, tasks)]


def select(wanted: str | None, tasks: tuple[Task, ...], validation: Sequence[Manifest]) -> str:
    """The figure that ``best`` is chosen by: one that is better the higher it is."""
    if wanted and lower_is_better(wanted):
        raise RecipeError(f"select: {wanted} is better the lower it is; choose one that is better the higher")
    names = figure_names(tasks, validation)
    if wanted is None:
        wanted = next((name for task in tasks if (name := f"{task.name}.{HEADLINES[task.kind]}") in names), None)
        if wanted is None:
            places = ", ".join(str(part.path) for part in validation)
            raise RecipeError(f"validation: {places} has no label of {', '.join(task.name for task in tasks)}")
    elif wanted not in names:
        raise RecipeError(f"select: the validation has no figure {wanted}{did_you_mean(wanted, names)}")
    return wanted
