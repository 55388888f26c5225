"""Classes that a recipe names, checked against their signatures; and faults of a recipe in plain words."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError, create_model
from pydantic_core import ErrorDetails

from mien.spelling import did_you_mean

GIVEN = ("tasks", "inputs", "network", "features", "margin")
"""Arguments that the trainer gives to a network, to what wraps it, or to a critic, not the recipe."""

FOR_THOSE_WHO_ASK = ("inputs", "margin")
"""Of these, the ones that not every class takes."""

EXPECTED = dict.fromkeys(("tuple_type", "list_type"), "expected a list")
EXPECTED |= dict.fromkeys(("dict_type", "model_type", "dataclass_type"), "expected keys with their values")
"""Faults whose words in pydantic are those of Python, not of YAML."""


@dataclass(frozen=True)
class ClassSpec:
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
        asked = inspect.signature(self.factory).parameters
        given = {key: value for key, value in given.items() if key in asked or key not in FOR_THOSE_WHO_ASK}
        return self.factory(**self.arguments, **given)


def class_spec(package: ModuleType, *, having: str = "__call__") -> Any:
    """The field type of a part: ``ClassName``, or ``ClassName: {argument: value}``, or ``my.module.ClassName: ...``.

    Args:
        package: where the classes are that go by their bare name.
        having: an attribute that such a class has; the package's other classes are not meant.
    """

    def parse(value: Any) -> ClassSpec:
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError("expected one class name, with its arguments below it")
        ((name, arguments),) = value.items()
        factory = _resolve(str(name), package, having)
        hints = get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
        fields: dict[str, Any] = {
            key: (hints.get(key, Any), _default(factory, parameter))
            for key, parameter in inspect.signature(factory).parameters.items()
            if key not in GIVEN and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        }
        checker = create_model(str(name), __config__=ConfigDict(extra="forbid"), **fields)
        try:
            checked = checker.model_validate(arguments or {})
        except ValidationError as error:
            raise ValueError("; ".join(explain(error, checker, prefix=(str(name),)))) from None
        return ClassSpec(str(name), {key: getattr(checked, key) for key in fields}, factory)

    return Annotated[Any, BeforeValidator(parse), PlainSerializer(lambda part: {part.name: part.arguments})]


def _default(factory: Any, parameter: inspect.Parameter) -> Any:
    """What stands for an argument that is left out; ``...``: it is needed."""
    if parameter.default is parameter.empty:
        return ...
    for field in dataclasses.fields(factory) if dataclasses.is_dataclass(factory) else ():
        if field.name == parameter.name and field.default_factory is not dataclasses.MISSING:
            return field.default_factory()  # the signature has a stand-in for it
    return parameter.default


def _resolve(name: str, package: ModuleType, having: str) -> Any:
    """A class of ``package`` by its name, or any class by its dotted path."""
    if "." in name:
        module, _, attribute = name.rpartition(".")
        try:
            own = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"there is no class {name} ({error})") from None
        if not hasattr(own, having):
            raise ValueError(f"{name} has no {having}")
        return own
    public = {key: getattr(package, key) for key in package.__all__}
    classes = [key for key, value in public.items() if inspect.isclass(value) and hasattr(value, having)]
    if name not in classes:
        raise ValueError(f"unknown class {name}{did_you_mean(name, classes)}")
    return getattr(package, name)


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
        return f"{where}: unknown key{did_you_mean(str(fault['loc'][-1]), _fields(model, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"{where}: this key is needed"
    if fault["type"] == "value_error":
        return f"{where}: {fault['msg'].removeprefix('Value error, ')}"
    return f"{where}: {EXPECTED.get(fault['type'], fault['msg'])}, not {fault['input']!r}"


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
