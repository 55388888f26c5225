"""Folders of pictures: ``class/picture``, or ``split/class/picture``; the folder's name is the class.

Expected is a folder with a folder for each class, or with the folders ``train``, ``valid`` (or ``val``, ``validation``)
and ``test`` that hold those. Pictures may lie deeper. Where all classes are names of expressions in any case, such as
``happy`` or ``Happiness``, the label is ``expression``; if one is not, all are classes of a task of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.files import Fault
from mien.learn.data.sources.table import placed, whole
from mien.media.picture import SUFFIXES
from mien.tasks import FACE, Kind, Task

TASKS = FACE
METADATA = {"licence": "your own"}

__all__ = ["METADATA", "TASKS", "read", "tasks", "whole"]

SPLITS = {
    "train": "train", "training": "train",
    "valid": "valid", "val": "valid", "validation": "valid", "dev": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Name of a folder -> split."""

EXPRESSIONS = {
    "neutral": "neutral",
    "happiness": "happiness", "happy": "happiness", "joy": "happiness",
    "sadness": "sadness", "sad": "sadness",
    "fear": "fear", "fearful": "fear", "afraid": "fear", "scared": "fear",
    "anger": "anger", "angry": "anger",
    "surprise": "surprise", "surprised": "surprise",
    "disgust": "disgust", "disgusted": "disgust",
    "contempt": None, "contemptuous": None,
}  # fmt: skip
"""Name of a folder -> expression; contempt is none of the seven."""


def tasks(root: Path, *, task: str = "class") -> tuple[Task, ...]:
    """Those of faces, or one task with the classes in alphabetical order.

    Raises:
        FileNotFoundError: if there is no folder with pictures.
    """
    names = sorted({folder.name for _, folder in _classes(root)})
    if all(name.lower() in EXPRESSIONS for name in names):
        return TASKS
    return (Task(task, Kind.CLASSES, tuple(names), tuple(f"probability that it is {name}" for name in names)),)


def read(root: Path, fault: Fault, *, validation: float = 0.2, task: str = "class") -> Iterator[Row]:
    """Manifest rows of all pictures.

    Without folders of splits the pictures are divided into train and valid by a hash of their names. Pictures of
    contempt among expressions are left out, which is told once a folder: they would teach nothing.

    Args:
        root: the folder.
        fault: told of folders without a picture or a label.
        validation: share of valid, where there are no folders of splits.
        task: name of the task, if the classes are no expressions.

    Raises:
        FileNotFoundError: if there is no folder with pictures.
    """
    space, *rest = tasks(root, task=task)
    for split, folder in _classes(root):
        label = EXPRESSIONS[folder.name.lower()] if rest else folder.name
        if label is None:
            count = sum(1 for _ in _pictures(folder))
            fault(f"{folder}: {count} pictures are left out: {folder.name} is none of {', '.join(space.labels)}")
            continue
        for path in _pictures(folder):
            name = path.relative_to(root).as_posix()
            yield {
                "path": str(path),
                "split": split or placed(name, validation),
                "dataset": root.name,
                space.name: label,
            }


def _classes(root: Path) -> list[tuple[str | None, Path]]:
    """Split, or None, and folder of each class that has a picture."""
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
