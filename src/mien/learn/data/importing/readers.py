"""Find the readers of data sets by the names of their modules, and their label spaces, metadata and options."""

from __future__ import annotations

import inspect
import pkgutil
import typing
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from pydantic import PydanticUserError, TypeAdapter, ValidationError

from mien.learn.data import sources
from mien.spelling import did_you_mean
from mien.tasks import Task


def reader_names() -> list[str]:
    """The names of all readers, in alphabetical order."""
    return [module.name for module in pkgutil.iter_modules(sources.__path__) if _is_reader(_module(module.name))]


def find_reader(name: str) -> ModuleType:
    """The reader with this name; case, hyphens, spaces and underscores do not matter.

    Raises:
        ValueError: if there is none; the message has the nearest name and all names.
    """
    modules = {_plain(module.name): module.name for module in pkgutil.iter_modules(sources.__path__)}
    found = modules.get(_plain(name))
    if found is not None and _is_reader(module := _module(found)):
        return module
    known = reader_names()
    near = did_you_mean(_plain(name), known)
    rest = f" (data sets: {', '.join(known)})" if "did you mean" in near else ""
    raise ValueError(f"no data set {name}{near}{rest}")


def first_line(reader: ModuleType) -> str:
    """The description of a reader: the first paragraph of its docstring."""
    return " ".join((reader.__doc__ or "").split("\n\n")[0].split())


def label_space(reader: ModuleType, root: Path, options: Mapping[str, Any]) -> tuple[tuple[Task, ...], dict[str, Any]]:
    """The tasks and the metadata of a data set, with the settings that its preparation needs.

    The tasks are ``TASKS``, or, where they depend on the folder, ``tasks(root, **options)`` with those of the options
    that it accepts. The metadata is ``METADATA`` and ``source`` (by default the name of the folder or file), ``side``
    if pictures are packed whole (``WHOLE``, or ``whole(tasks)``), and ``tight`` if the reader has its own ``FINDER``.
    """
    space = tuple(getattr(reader, "TASKS", ()))
    if own := getattr(reader, "tasks", None):
        known = inspect.signature(own).parameters
        space = tuple(own(root, **{name: value for name, value in options.items() if name in known}))
    metadata = {"source": root.name, **reader.METADATA}
    whole = getattr(reader, "whole", None)
    if side := whole(space) if whole else getattr(reader, "WHOLE", None):
        metadata["side"] = side
    if hasattr(reader, "FINDER"):
        metadata["tight"] = True
    return space, metadata


def needs_root(reader: ModuleType) -> bool:
    """Whether a reader needs a folder or file from the user."""
    return next(iter(inspect.signature(reader.read).parameters.values())).default is inspect.Parameter.empty


def parse_options(reader: ModuleType, given: Iterable[str]) -> dict[str, Any]:
    """Parse words ``key=value`` as keyword arguments of ``reader.read``, converted to their annotated types.

    Raises:
        ValueError: for an unknown key, with the nearest known one; for a value of the wrong type.

    Example:
        >>> parse_options(find_reader("digits"), ["seed=3"])
        {'seed': 3}
    """
    name = reader.__name__.rpartition(".")[2]
    keys = _option_names(reader)
    hints = typing.get_type_hints(reader.read)
    found: dict[str, Any] = {}
    for word in given:
        key, separator, text = word.partition("=")
        key = key.strip().replace("-", "_")
        if key not in keys:
            raise ValueError(f"--option {word}: {name} has no option {key}{did_you_mean(key, keys) if keys else ''}")
        if not separator:
            raise ValueError(f"--option {word}: write {key}=VALUE")
        found[key] = _value(word, hints.get(key, str), text)
    return found


def _value(word: str, hint: Any, text: str) -> Any:
    try:
        adapter = TypeAdapter(hint)
        try:
            return adapter.validate_python(text)
        except ValidationError:
            return adapter.validate_python(yaml.safe_load(text))  # YAML, so that lists and null can be given
    except ValidationError as error:
        raise ValueError(f"--option {word}: {error.errors()[0]['msg']}") from None
    except (PydanticUserError, yaml.YAMLError):
        raise ValueError(f"--option {word}: cannot be given on the command line") from None


def _option_names(reader: ModuleType) -> Sequence[str]:
    parameters = inspect.signature(reader.read).parameters.values()
    return [each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]


def _module(name: str) -> ModuleType:
    return import_module(f"{sources.__name__}.{name}")


def _is_reader(module: ModuleType) -> bool:
    """Whether a module has what :mod:`mien.learn.data.sources` requires of a reader."""
    tasks = hasattr(module, "TASKS") or hasattr(module, "tasks")
    return callable(getattr(module, "read", None)) and hasattr(module, "METADATA") and tasks


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")
