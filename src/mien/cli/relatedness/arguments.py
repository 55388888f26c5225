"""Finds the tables that commands name, and the tasks of a manifest that tables are counted from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from mien.learn.data.manifest import Manifest
    from mien.relatedness.table import Relatedness
    from mien.tasks import Task

TABLE = "A named table, a .csv or .json file, a checkpoint folder or an exported .onnx file."


def table_argument(metavar: str) -> Any:
    """The argument that names a table."""
    return typer.Argument(metavar=metavar, help=TABLE)


def open_tables(name: str) -> list[Relatedness]:
    """The named table, or those of a .csv or .json file, a checkpoint folder or an exported network.

    Raises:
        ValueError: if there are none; the message is one line.
    """
    from mien.relatedness.table import NAMED, SUFFIXES, Relatedness

    if name in NAMED:
        return [NAMED[name]]
    path = Path(name)
    if path.suffix.lower() in SUFFIXES:
        return [Relatedness.load(path)]
    if path.suffix.lower() == ".onnx":
        from mien.annotate.model import Model

        metadata = Model(path).metadata
    elif path.is_dir():
        metadata = _card(path)
    else:
        kinds = "a .csv, .json or .onnx file, or a checkpoint folder"
        raise ValueError(f"{name}: no such table ({', '.join(NAMED)}), and not {kinds}")
    found = metadata.get("relatedness") or []
    if not found:
        raise ValueError(f"{name}: has no relatedness")
    try:
        return [Relatedness.from_dict(each) for each in (found if isinstance(found, list) else [found])]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _card(folder: Path) -> dict[str, Any]:
    """The card of a checkpoint, read without PyTorch."""
    try:
        return dict(json.loads((folder / "checkpoint.json").read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        raise ValueError(f"{folder}: not a checkpoint of mien (no readable checkpoint.json)") from None


def pairs_of_tables(first: str, second: str) -> list[tuple[Relatedness, Relatedness]]:
    """Tables to compare: the only ones, or those over the same tasks.

    Raises:
        ValueError: if there are none; the message is one line.
    """
    ours, theirs = open_tables(first), open_tables(second)
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])]
    pairs = [(a, b) for a in ours for b in theirs if (a.classes, a.attributes) == (b.classes, b.attributes)]
    if not pairs:
        raise ValueError(f"{first} and {second} have no tables over the same two tasks")
    return pairs


def task_of(manifest: Manifest, name: str) -> Task:
    """A task of a manifest by its name.

    Raises:
        ValueError: if there is none; the message is one line.
    """
    found = next((task for task in manifest.tasks if task.name == name), None)
    if found is None:
        known = ", ".join(f"{task.name} ({task.kind.value})" for task in manifest.tasks)
        raise ValueError(f"{manifest.path}: has no task {name}; known: {known}")
    return found


def class_labels_of(manifest: Manifest, task: Task) -> Any:
    """Hard labels or, if there are none, the shares of votes."""
    import numpy as np

    hard = manifest.column(task, hard=True)
    return manifest.column(task) if np.isnan(hard).all() else hard
