"""The recipe: everything a training run depends on, typed and validated."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, get_type_hints

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, create_model
from pydantic_core import ErrorDetails

import mien.learn.losses
import mien.learn.models
from mien.learn.data.transforms import Augmentation
from mien.relatedness import NAMED

GIVEN = ("tasks",)
"""Arguments that the trainer gives to a network, not the recipe."""


class RecipeError(ValueError):
    """A recipe cannot be used; one line for each fault, naming the key."""


@dataclass(frozen=True)
class Part:
    """A class that the recipe names, with checked arguments.

    Args:
        name: a class of the package that the key stands for, or a dotted path to one's own.
        arguments: for its constructor.
        factory: the class.
    """

    name: str
    arguments: dict[str, Any]
    factory: Any

    def build(self, **given: Any) -> Any:
        """The instance; ``given`` are the arguments that a recipe does not hold."""
        return self.factory(**self.arguments, **given)


def part_of(package: ModuleType, *, having: str = "__call__") -> Any:
    """The field type of a part: ``ClassName``, or ``ClassName: {argument: value}``, or ``my.module.ClassName: ...``.

    Args:
        package: where the classes are that go by their bare name.
        having: an attribute that such a class has; the package's other classes are not meant.
    """

    def parse(value: Any) -> Part:
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError("expected one class name, with its arguments below it")
        ((name, arguments),) = value.items()
        factory = _resolve(str(name), package, having)
        hints = get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
        fields: dict[str, Any] = {
            key: (hints.get(key, Any), ... if parameter.default is parameter.empty else parameter.default)
            for key, parameter in inspect.signature(factory).parameters.items()
            if key not in GIVEN
        }
        checker = create_model(str(name), __config__=ConfigDict(extra="forbid"), **fields)
        try:
            checked = checker.model_validate(arguments or {})
        except ValidationError as error:
            raise ValueError("; ".join(explain(error, checker, prefix=(str(name),)))) from None
        return Part(str(name), {key: getattr(checked, key) for key in fields}, factory)

    return Annotated[Any, BeforeValidator(parse), PlainSerializer(lambda part: {part.name: part.arguments})]


def _resolve(name: str, package: ModuleType, having: str) -> Any:
    """A class of ``package`` by its name, or any class by its dotted path."""
    if "." in name:
        module, _, attribute = name.rpartition(".")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError):
            raise ValueError(f"there is no class {name}") from None
    public = {key: getattr(package, key) for key in package.__all__}
    classes = [key for key, value in public.items() if inspect.isclass(value) and hasattr(value, having)]
    if name not in classes:
        raise ValueError(f"unknown class {name}{nearest(name, classes)}")
    return getattr(package, name)


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rows(_Typed):
    """Rows of a manifest.

    Args:
        manifest: the file, or the folder that holds it.
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
        batch_size: rows in a step, divided among the sets that give no ``size``.
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
    relatedness: Literal["du_2014", "aff_wild2"] = "du_2014"
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


assert set(NAMED) == {"du_2014", "aff_wild2"}


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


def explain(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> list[str]:
    """One line for each fault of a pydantic error, with the nearest right key for an unknown one."""
    faults = error.errors()
    inside = {fault["loc"][:depth] for fault in faults for depth in range(len(fault["loc"]))}
    # pydantic counts a faulty item as absent, and then calls the list too short
    return [
        _line(fault, model, prefix) for fault in faults if fault["type"] != "too_short" or fault["loc"] not in inside
    ]


def _line(fault: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    where = ".".join((*prefix, *map(str, fault["loc"])))
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key{nearest(str(fault['loc'][-1]), _fields(model, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{where}: this key is needed"
    if fault["type"] == "value_error":
        return f"{where}: {fault['msg'].removeprefix('Value error, ')}"
    return f"{where}: {fault['msg']}, not {fault['input']!r}"


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed at a place of a (nested) model."""
    for step in location:
        if isinstance(step, str) and step in model.model_fields:
            inner = _model_in(model.model_fields[step].annotation)
            if inner is None:
                return []
            model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The pydantic model inside an annotation such as ``tuple[DataSet, ...]``."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in getattr(annotation, "__args__", ()) if (found := _model_in(inner))), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the nearest known one, or all of them."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
