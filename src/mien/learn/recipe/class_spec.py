"""Classes that a recipe names, checked against their signatures; and validation errors in plain words."""

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

SUPPLIED = ("tasks", "inputs", "network", "features", "margin")
"""Constructor arguments that the set-up of a run supplies; a recipe cannot set them."""

OPTIONAL = ("inputs", "margin")
"""Supplied arguments that not every class accepts."""

EXPECTED = dict.fromkeys(("tuple_type", "list_type"), "expected a list")
EXPECTED |= dict.fromkeys(("dict_type", "model_type", "dataclass_type"), "expected keys with their values")
"""Errors that pydantic words in terms of Python, not of YAML."""


@dataclass(frozen=True)
class ClassSpec:
    """A class that the recipe names, with checked arguments.

    Args:
        name: a class of the key's package, or a dotted path to your own.
        arguments: the arguments of its constructor.
        factory: the class.
    """

    name: str
    arguments: dict[str, Any]
    factory: Any

    def build(self, **supplied: Any) -> Any:
        """Create the instance; ``supplied`` are the arguments that a recipe cannot set."""
        accepted = inspect.signature(self.factory).parameters
        supplied = {key: value for key, value in supplied.items() if key in accepted or key not in OPTIONAL}
        return self.factory(**self.arguments, **supplied)


def class_spec(package: ModuleType, *, having: str = "__call__") -> Any:
    """A field type that accepts ``ClassName``, ``ClassName: {argument: value}`` or ``my.module.ClassName: ...``.

    Args:
        package: the package of classes without a dotted path.
        having: an attribute that the class must have; the package's other classes are ignored.
    """

    def parse(value: Any) -> ClassSpec:
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError("expected one class name, with its arguments below it")
        ((name, arguments),) = value.items()
        factory = _resolve(str(name), package, having)
        checker = _checker(str(name), factory)
        try:
            checked = checker.model_validate(arguments or {})
        except ValidationError as error:
            raise ValueError("; ".join(explain(error, checker, prefix=(str(name),)))) from None
        return ClassSpec(str(name), {key: getattr(checked, key) for key in checker.model_fields}, factory)

    return Annotated[Any, BeforeValidator(parse), PlainSerializer(lambda spec: {spec.name: spec.arguments})]


def _checker(name: str, factory: Any) -> type[BaseModel]:
    """A model with a field for each constructor argument that a recipe may set."""
    hints = get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
    fields: dict[str, Any] = {
        key: (hints.get(key, Any), _default(factory, parameter))
        for key, parameter in inspect.signature(factory).parameters.items()
        if key not in SUPPLIED and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def _default(factory: Any, parameter: inspect.Parameter) -> Any:
    """The default of an argument; ``...`` if it is required."""
    if parameter.default is parameter.empty:
        return ...
    for field in dataclasses.fields(factory) if dataclasses.is_dataclass(factory) else ():
        if field.name == parameter.name and field.default_factory is not dataclasses.MISSING:
            return field.default_factory()  # the signature only has a placeholder for it
    return parameter.default


def _resolve(name: str, package: ModuleType, having: str) -> Any:
    """A class of ``package`` by its name, or any class by its dotted path."""
    if "." in name:
        module, _, attribute = name.rpartition(".")
        try:
            own = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"no class {name} ({error})") from None
        if not hasattr(own, having):
            raise ValueError(f"{name} has no {having}")
        return own
    public = {key: getattr(package, key) for key in package.__all__}
    classes = [key for key, value in public.items() if inspect.isclass(value) and hasattr(value, having)]
    if name not in classes:
        raise ValueError(f"unknown class {name}{did_you_mean(name, classes)}")
    return getattr(package, name)


def explain(error: ValidationError, model: type[BaseModel], prefix: tuple[str, ...] = ()) -> list[str]:
    """One line for each problem of a pydantic error, with the closest valid key for an unknown one."""
    problems = error.errors()
    inside = {problem["loc"][:depth] for problem in problems for depth in range(len(problem["loc"]))}
    # pydantic counts an invalid item as absent, and then reports the list as too short
    return [
        _line(problem, model, prefix)
        for problem in problems
        if problem["type"] != "too_short" or problem["loc"] not in inside
    ]


def _line(problem: ErrorDetails, model: type[BaseModel], prefix: tuple[str, ...]) -> str:
    where = ".".join((*prefix, *map(str, problem["loc"])))
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key{did_you_mean(str(problem['loc'][-1]), _keys(model, problem['loc'][:-1]))}"
    if problem["type"] == "missing":
        return f"{where}: this key is required"
    if problem["type"] == "value_error":
        return f"{where}: {problem['msg'].removeprefix('Value error, ')}"
    return f"{where}: {EXPECTED.get(problem['type'], problem['msg'])}, not {problem['input']!r}"


def _keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The valid keys at a place of a (nested) model."""
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
