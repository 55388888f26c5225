"""The recipe: everything a training run depends on, typed and validated."""

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
    Start,
    Typed,
    several,
    tables,
)


class RecipeError(ValueError):
    """A recipe cannot be used; one line for each fault, naming the key."""


class Recipe(Typed):
    """One training run.

    Args:
        name: of the run; its folder is ``runs/NAME`` unless the command says otherwise.
        seed: of weights, orders, augmentation and dropout.
        tasks: names of the tasks to train; left out, all that the manifests know.
        network: a class of ``mien.learn.models``.
        sharing: a class of ``mien.learn.sharing`` that says what the tasks share; left out, all but the heads.
        start: a checkpoint to begin from, parts that are frozen, and the learning rates of parts.
        data: the training sets, mixed in every step.
        validation: what the run is judged by after each epoch; of several, by all rows together.
        fold: train outside a fold and validate in it; left out, the splits are taken whole.
        teachers: checkpoints whose predictions stand in for missing labels (papers/002, "S-T").
        batch_size: rows in a step, divided among the sets that give no ``size``; those that do come on top.
        mixing: how the sets share a step.
        augmentation: of the training crops.
        relatedness: what the couplings use: a named table, a file, ``inferred``, or a list of such for several
            pairs of tasks.
        losses: classes of ``mien.learn.losses`` that stand for the ordinary losses of tasks, by the task's name.
        couplings: classes of ``mien.learn.losses``.
        weights: of the loss terms by name, the lambdas; 1 where left out.
        balancing: a class of ``mien.learn.balancing`` that weighs the terms (times their lambdas) in every step.
        adversarial: the contrastive adversarial framework of papers/001; left out, no critic.
        optimizer, schedule: how the weights move.
        epochs: an epoch covers the set that needs the most steps.
        steps: instead of ``epochs``, the number of steps.
        micro_batches: so many parts of a step go through the network one after the other, for want of memory; the
            gradient is that of the whole (see :mod:`mien.learn.train.micro_batches`).
        precision: ``bf16`` runs convolutions in bfloat16 (autocast), faster where the processor can.
        validate_every: epochs between judgements; the last epoch is always judged.
        probes: faces of known persons by name: how well the persons can be told by the features.
        select: the validation figure that ``best`` is chosen by, such as ``expression.accuracy``; left out, the
            accuracy, mean F1 or mean CCC of the first task that the validation rows are labelled for.
        save_every: steps between checkpoints besides the one after each epoch.
    """

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: Annotated[int, Field(ge=0)] = 0
    tasks: tuple[str, ...] | None = None
    network: class_spec(mien.learn.models) = Field(default="FaceBehaviorNet", validate_default=True)  # type: ignore[valid-type]
    sharing: class_spec(mien.learn.sharing, having="forward") | None = None  # type: ignore[valid-type]
    start: Start = Start()
    data: Annotated[tuple[DataSet, ...], Field(min_length=1)]
    validation: Annotated[tuple[Rows, ...], BeforeValidator(several), Field(min_length=1)]
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
        path: of a YAML file.
        changes: ``key=value`` strings that replace values of the file; keys are dotted, such as ``data.0.size``.

    Raises:
        RecipeError: for an unreadable file, an unknown key (with the nearest right one), a wrong type or value.
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
        RecipeError: with one line for each fault.
    """
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError("\n".join(f"{source}: {line}" for line in explain(error, Recipe))) from None


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
