"""Read a custom label space from a small YAML or JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mien.learn.data.manifest.columns import check_space
from mien.tasks import ALL_TASKS, Kind, Task


def read_tasks(path: Path) -> tuple[Task, ...]:
    """The tasks of a file, which maps their names to ``kind`` and ``labels``.

    ``kind`` is classes, attributes or continuous; ``labels`` is a list of names, or maps names to their meanings. A
    name from `mien tasks` without a value is that task::

        bird: {kind: classes, labels: [duck, heron]}
        traits: {kind: attributes, labels: {webbed feet: its feet are webbed, long legs: its legs are long}}
        expression:

    Raises:
        ValueError: if the file is not such a mapping, or two labels have the same name.
        OSError: if it cannot be opened.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is a subset of YAML
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: neither YAML nor JSON ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict) or not data:
        raise ValueError(f"{path}: expected a mapping from task names to their kind and labels")
    try:
        tasks = tuple(_task(str(name), entry) for name, entry in data.items())
        check_space(tasks)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return tasks


def _task(name: str, entry: Any) -> Task:
    if entry is None:
        known = next((task for task in ALL_TASKS if task.name == name), None)
        if known is None:
            raise ValueError(f"task {name} has neither kind nor labels and is not listed by `mien tasks`")
        return known
    kinds = ", ".join(kind.value for kind in Kind)
    if not isinstance(entry, dict) or set(entry) != {"kind", "labels"}:
        raise ValueError(f"task {name}: expected the keys kind ({kinds}) and labels")
    if entry["kind"] not in [kind.value for kind in Kind]:
        raise ValueError(f"task {name}: kind {entry['kind']!r} is not one of {kinds}")
    labels = entry["labels"]
    if not isinstance(labels, list | dict) or not labels:
        raise ValueError(f"task {name}: labels must be a list of names or a mapping from names to meanings")
    meanings = labels.values() if isinstance(labels, dict) else labels
    return Task(name, Kind(entry["kind"]), tuple(map(str, labels)), tuple(map(str, meanings)))
