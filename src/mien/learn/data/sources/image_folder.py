"""Your own pictures in folders named by class: ``class/picture`` or ``split/class/picture``.

Expected layout: a folder with one folder per class, or with the folders ``train``, ``valid`` (or ``val``,
``validation``) and ``test`` that contain these. Pictures may be nested deeper. If all classes are names of expressions
in any case, such as ``happy`` or ``Happiness``, the label is ``expression``; otherwise the classes form their own task.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.expression_words import WORDS
from mien.learn.data.sources.shared.release_files import Report
from mien.learn.data.sources.shared.splits import SPLIT_NAMES, train_or_valid
from mien.learn.data.sources.table import whole
from mien.media.picture import SUFFIXES
from mien.tasks import FACE, Kind, Task

TASKS = FACE
METADATA = {"licence": "your own"}

__all__ = ["METADATA", "TASKS", "read", "tasks", "whole"]

SPLITS = SPLIT_NAMES | {"dev": "valid"}
"""Name of a folder -> split."""

EXPRESSIONS = WORDS | {"joy": "happiness", "afraid": "fear", "scared": "fear", "contemptuous": None}
"""Name of a folder -> expression; contempt is not one of the seven."""


def tasks(root: Path, *, task: str = "class") -> tuple[Task, ...]:
    """Return the tasks of faces, or one task with the classes in alphabetical order.

    Raises:
        FileNotFoundError: if there is no folder with pictures.
    """
    names = sorted({folder.name for _, folder in _classes(root)})
    if all(name.lower() in EXPRESSIONS for name in names):
        return TASKS
    return (Task(task, Kind.CLASSES, tuple(names), tuple(f"probability that it is {name}" for name in names)),)


def read(root: Path, report: Report, *, validation: float = 0.2, task: str = "class") -> Iterator[Row]:
    """Yield the rows of all pictures.

    Without folders of splits, pictures are divided into train and valid by a hash of their names. Pictures of contempt
    among expressions have no label and are skipped, which is reported once per folder.

    Args:
        root: the folder.
        report: called with a line for each folder that is skipped.
        validation: share of valid, if there are no folders of splits.
        task: name of the task, if the classes are not expressions.

    Raises:
        FileNotFoundError: if there is no folder with pictures.
    """
    space, *rest = tasks(root, task=task)
    for split, folder in _classes(root):
        label = EXPRESSIONS[folder.name.lower()] if rest else folder.name
        if label is None:
            count = sum(1 for _ in _pictures(folder))
            report(f"{folder}: {count} pictures skipped: {folder.name} is not one of {', '.join(space.labels)}")
            continue
        for path in _pictures(folder):
            name = path.relative_to(root).as_posix()
            yield {
                "path": str(path),
                "split": split or train_or_valid(name, validation),
                "dataset": root.name,
                space.name: label,
            }


def _classes(root: Path) -> list[tuple[str | None, Path]]:
    """Return split (or None) and folder of each class that has a picture."""
    tops = _folders(root)
    splits = [SPLITS.get(folder.name.lower()) for folder in tops]
    if tops and all(splits):
        found = [(split, folder) for split, top in zip(splits, tops, strict=True) for folder in _folders(top)]
    else:
        found = [(None, folder) for folder in tops]
    found = [(split, folder) for split, folder in found if next(_pictures(folder), None)]
    if not found:
        raise FileNotFoundError(f"{root}: no folders of pictures found: class/picture or train/class/picture")
    return found


def _folders(place: Path) -> list[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _pictures(folder: Path) -> Iterator[Path]:
    return (
        path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
