"""The recipe: everything a training run depends on, typed and validated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

import mien.learn.losses
import mien.learn.models
from mien.learn.data.transforms import Augmentation
from mien.learn.parts import explain, nearest, part_of
from mien.relatedness import NAMED


class RecipeError(ValueError):
    """A recipe cannot be used; one line for each fault, naming the key."""


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _named(table: str) -> str:
    if table not in NAMED:
        raise ValueError(f"there is no table {table}{nearest(table, NAMED)}")
    return table


class Rows(_Typed):
    """Rows of a manifest.

    Args:
        manifest: the file, or the folder that holds it, relative to the working directory.
        split: which of its rows.
    """

    manifest: str
    split: str


class DataSet(Rows):
    """Rows to train on.

    Args:
        split: which rows of the manifest.
        size: how many of its rows stand in each mini-batch; left out, the recipe's ``batch_size`` is divided
            in proportion to the sets, so that one epoch covers all.
        tasks: names of the tasks whose labels are used; left out, all.
        balance: how much more often the rows of rare classes come; 0 not at all, 1 so that all classes are alike
            (see :func:`mien.learn.data.mixing.balanced`).
    """

    split: str = "train"
    size: Annotated[int, Field(gt=0)] | None = None
    tasks: tuple[str, ...] | None = None
    balance: Annotated[float, Field(ge=0, le=1)] = 0.0


class Optimizer(_Typed):
    """Momentum SGD, Adam or AdamW.

    Args:
        kind: which.
        rate: the highest learning rate.
        momentum: of SGD (Nesterov's); the paper's is 0.9.
        weight_decay: L2 penalty, or AdamW's decay.
        clip: largest norm of the gradient; None leaves it alone.
    """

    kind: Literal["sgd", "adam", "adamw"] = "sgd"
    rate: Annotated[float, Field(gt=0)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    clip: Annotated[float, Field(gt=0)] | None = 5.0


class Schedule(_Typed):
    """The learning rate over the steps.

    Args:
        warmup: share of all steps in which it rises from 0.
        decay: ``cosine`` to 0 at the end, or ``constant`` (the paper's).
    """

    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    decay: Literal["cosine", "constant"] = "cosine"


class Recipe(_Typed):
    """One training run.

    Args:
        name: of the run; its folder is ``runs/NAME`` unless the command says otherwise.
        seed: of weights, orders, augmentation and dropout.
        tasks: names of the tasks to train; left out, all that the manifests know.
        network: a class of ``mien.learn.models``.
        data: the training sets, mixed in every step.
        validation: what the run is judged by after each epoch.
        batch_size: rows in a step, divided among the sets that give no ``size``; those that do come on top.
        augmentation: of the training crops.
        relatedness: the table that the couplings use: du_2014 or aff_wild2.
        couplings: classes of ``mien.learn.losses``.
        weights: of the loss terms by name; 1 where left out.
        optimizer, schedule: how the weights move.
        epochs: an epoch covers the set that needs the most steps.
        precision: ``bf16`` runs convolutions in bfloat16 (autocast), faster where the processor can.
        select: the validation figure that ``best`` is chosen by, such as ``expression.accuracy``; left out, the
            accuracy, mean F1 or mean CCC of the first task that the validation rows are labelled for.
        save_every: steps between checkpoints besides the one after each epoch.
    """

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    seed: Annotated[int, Field(ge=0)] = 0
    tasks: tuple[str, ...] | None = None
    network: part_of(mien.learn.models) = Field(default="FaceBehaviorNet", validate_default=True)  # type: ignore[valid-type]
    data: Annotated[tuple[DataSet, ...], Field(min_length=1)]
    validation: Rows
    batch_size: Annotated[int, Field(gt=1)] = 128
    augmentation: Augmentation = Augmentation()
    relatedness: Annotated[str, AfterValidator(_named)] = "du_2014"
    couplings: tuple[part_of(mien.learn.losses, having="terms"), ...] = ()  # type: ignore[valid-type]
    weights: dict[str, Annotated[float, Field(ge=0)]] = {}
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    epochs: Annotated[int, Field(gt=0)] = 30
    precision: Literal["fp32", "bf16"] = "fp32"
    select: str | None = None
    save_every: Annotated[int, Field(gt=0)] | None = None

    def plain(self) -> dict[str, Any]:
        """Every value, defaults included, as JSON-ready data: what checkpoints keep."""
        return self.model_dump(mode="json")


def load(path: Path | str, changes: Iterable[str] = ()) -> Recipe:
    """Read a recipe file.

    Args:
        path: of a YAML file.
        changes: ``key=value`` or ``key.sub=value`` strings that replace values of the file.

    Raises:
        RecipeError: for an unreadable file, an unknown key (with the nearest right one), a wrong type or value.
    """
    try:
        data = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys to values")
    for change in changes:
        _apply(data, change)
    return parse(data, str(path))


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
    keys, equals, value = change.partition("=")
    if not equals:
        raise RecipeError(f"--set {change}: expected key=value")
    *path, last = keys.split(".")
    for key in path:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise RecipeError(f"--set {change}: {key} has no keys below it")
    try:
        data[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise RecipeError(f"--set {change}: {value} is not YAML") from None
