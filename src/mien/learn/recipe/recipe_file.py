"""The recipe: everything that a training run depends on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError

import mien.learn.balancing
import mien.learn.losses
import mien.learn.models
import mien.learn.sharing
from mien.learn.data.batches.transforms import Augmentation
from mien.learn.recipe.class_spec import class_spec, explain
from mien.learn.recipe.keys import replace_key
from mien.learn.recipe.settings import (
    Adversarial,
    DataSet,
    Fold,
    Inferred,
    Mixture,
    Optimizer,
    Probe,
    Rows,
    Schedule,
    Typed,
    WarmStart,
    as_list,
    tables,
)

RENAMED = {"start": "warm_start"}
"""Keys of recipes that earlier versions stored, and their names now."""


class RecipeError(ValueError):
    """A recipe cannot be used; one line for each problem, naming the key."""


class Recipe(Typed):
    """One training run.

    Args:
        name: name of the run; its folder is ``runs/NAME`` unless the command sets another one.
        seed: seed of weights, row order, augmentation and dropout.
        tasks: names of the tasks to train; by default all tasks of the manifests.
        network: a class of ``mien.learn.models``.
        sharing: a class of ``mien.learn.sharing``: what the tasks share; by default everything except the heads.
        warm_start: a checkpoint to start from, frozen parts, and the learning rates of parts.
        data: the training sets, mixed in every step.
        validation: the rows on which the run is evaluated after each epoch; several are evaluated together.
        fold: train outside a fold and validate inside it; by default the splits are used whole.
        teachers: checkpoints whose predictions replace missing labels (papers/002, "S-T").
        batch_size: rows per step, divided among the sets without a ``size``; sets with a ``size`` add to it.
        mixing: how the sets share a step.
        augmentation: augmentation of the training crops.
        relatedness: tables for the couplings: a named table, a file, ``inferred``, or a list for several pairs of
            tasks.
        losses: classes of ``mien.learn.losses`` that replace the standard losses of tasks, by task name.
        couplings: classes of ``mien.learn.losses``.
        weights: weights of the loss terms by name, the lambdas; 1 by default.
        balancing: a class of ``mien.learn.balancing`` that weighs the terms (times their lambdas) in every step.
        adversarial: the contrastive adversarial framework of papers/001; by default no critic.
        optimizer, schedule: how the weights are updated.
        epochs: an epoch covers the set that needs the most steps.
        steps: the number of steps, instead of ``epochs``.
        micro_batches: number of parts in which the network processes a step, one after the other, to save memory; the
            gradient is that of the whole step (see :mod:`mien.learn.train.micro_batches`).
        precision: ``bf16`` runs convolutions in bfloat16 (autocast), faster on processors that support it.
        validate_every: epochs between validations; the last epoch is always validated.
        probes: faces of known people, by name, to measure how well the features tell people apart.
        select: the validation metric that selects ``best``, such as ``expression.accuracy``; by default the accuracy,
            mean F1 or mean CCC of the first task with labels in the validation rows.
        save_every: steps between checkpoints, in addition to the one after each epoch.
    """

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: Annotated[int, Field(ge=0)] = 0
    tasks: tuple[str, ...] | None = None
    network: class_spec(mien.learn.models) = Field(default="FaceBehaviorNet", validate_default=True)  # type: ignore[valid-type]
    sharing: class_spec(mien.learn.sharing, having="forward") | None = None  # type: ignore[valid-type]
    warm_start: WarmStart = WarmStart()
    data: Annotated[tuple[DataSet, ...], Field(min_length=1)]
    validation: Annotated[tuple[Rows, ...], BeforeValidator(as_list), Field(min_length=1)]
    fold: Fold | None = None
    teachers: tuple[str, ...] = ()
    batch_size: Annotated[int, Field(gt=1)] = 128
    mixing: Mixture = Mixture()
    augmentation: Augmentation = Augmentation()
    relatedness: Annotated[tuple[str | Inferred, ...], BeforeValidator(tables)] = ("du_2014",)
    losses: dict[str, class_spec(mien.learn.losses, having="kind")] = Field(default={})  # type: ignore[valid-type]
    couplings: tuple[class_spec(mien.learn.losses, having="terms"), ...] = ()  # type: ignore[valid-type]
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default={})
    balancing: class_spec(mien.learn.balancing) | None = None  # type: ignore[valid-type]
    adversarial: Adversarial | None = None
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    epochs: Annotated[int, Field(gt=0)] = 30
    steps: Annotated[int, Field(gt=0)] | None = None
    micro_batches: Annotated[int, Field(gt=0)] = 1
    precision: Literal["fp32", "bf16"] = "fp32"
    validate_every: Annotated[int, Field(gt=0)] = 1
    probes: dict[Annotated[str, Field(pattern=r"^[\w-]+$")], Probe] = Field(default={})
    select: str | None = None
    save_every: Annotated[int, Field(gt=0)] | None = None

    def plain(self) -> dict[str, Any]:
        """Every value, defaults included, as JSON-ready data: what checkpoints keep."""
        return self.model_dump(mode="json")


def load(path: Path | str, changes: Iterable[str] = ()) -> Recipe:
    """Read a recipe file.

    Args:
        path: a YAML file.
        changes: ``key=value`` strings that replace values of the file; keys are dotted, such as ``data.0.size``.

    Raises:
        RecipeError: for an unreadable file, an unknown key (with the closest valid one), a wrong type or value.
    """
    data = read(path)
    for change in changes:
        _apply(data, change)
    return parse(data, str(path))


def read(path: Path | str) -> dict[str, Any]:
    """The plain data of a recipe file, unchecked; RecipeError if it cannot be read."""
    try:
        data = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys to values")
    return data


def parse(data: dict[str, Any], source: str = "recipe") -> Recipe:
    """A checked recipe from plain data.

    Raises:
        RecipeError: with one line for each problem.
    """
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError("\n".join(f"{source}: {line}" for line in explain(error, Recipe))) from None


def parse_stored(data: dict[str, Any], source: str) -> Recipe:
    """The recipe of a checkpoint or a finished run; keys that were added later take their defaults.

    Earlier versions called ``warm_start`` ``start``.

    Raises:
        RecipeError: as :func:`parse`.
    """
    return parse({RENAMED.get(key, key): value for key, value in data.items()}, source)


def changed_keys(before: Recipe, now: Recipe) -> list[str]:
    """The top-level keys in which two recipes differ, in alphabetical order."""
    then, plain = before.plain(), now.plain()
    return sorted(key for key in plain if then[key] != plain[key])


def _apply(data: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals:
        raise RecipeError(f"--set {change}: expected key=value")
    try:
        replace_key(data, key, yaml.safe_load(value))
    except ValueError as error:
        raise RecipeError(f"--set {change}: {error}") from None
    except yaml.YAMLError:
        raise RecipeError(f"--set {change}: {value} is not YAML") from None
