"""Files and folders of a release: find the required ones, and walk through the rest."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from mien.media.picture import SUFFIXES

Report = Callable[[str], None]
"""Called with one line per unusable row or file: the file, the row, the value and the reason."""

LITTER = ("__MACOSX",)
"""Folders that archives leave behind and that hold no data. Hidden folders are skipped as well."""

DEPTH = 3
"""Number of levels below the given folder at which a release may be."""


def required(root: Path, *choices: str | Sequence[str]) -> list[Path]:
    """Return the files or folders of a release below ``root``: for each choice of names, the first that exists.

    A name may be a glob pattern; of several matches the first in alphabetical order is taken.

    Raises:
        FileNotFoundError: if one is missing; the message names all missing ones.
    """
    found, missing = [], []
    for names in ((choice,) if isinstance(choice, str) else tuple(choice) for choice in choices):
        place = next((place for name in names for place in sorted(root.glob(name))), None)
        if place is None:
            missing.append(" or ".join(names))
        else:
            found.append(place)
    if missing:
        raise not_found(root, *missing)
    return found


def find_root(root: Path, *choices: str | Sequence[str]) -> Path:
    """Return ``root``, or the folder up to three levels below it, that holds the required files of the release.

    Args:
        root: the folder given by the user.
        choices: as in :func:`required`.

    Raises:
        FileNotFoundError: if one is missing in ``root``; the message names all missing ones.
    """
    level = [root]
    for _ in range(DEPTH + 1):
        for place in level:
            try:
                required(place, *choices)
            except FileNotFoundError:
                continue
            return place
        level = [inner for place in level for inner in folders(place)]
        if len(level) > 200:  # folders of pictures: extra folders around a release are never this many
            break
    required(root, *choices)
    raise AssertionError("not reached: the line above raises")


def not_found(root: Path, *names: str) -> FileNotFoundError:
    """Return the error for a folder that is not this data set, because it lacks these files or folders."""
    return FileNotFoundError(f"{root}: not the folder of this data set: {', '.join(names)} not found")


def walk(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield a folder and all visible folders in it, each with its visible files, in alphabetical order."""
    yield folder, [folder / name for name in visible(folder, folders=False)]
    for inner in folders(folder):
        yield from walk(inner)


def pictures(folder: Path) -> Iterator[Path]:
    """Yield the visible pictures of a folder and of all folders in it, in alphabetical order."""
    for _, files in walk(folder):
        yield from (path for path in files if path.suffix.lower() in SUFFIXES)


def numbered_pictures(folder: Path) -> dict[int, Path]:
    """Return the pictures of a folder by the number that ends their stem: ``7.png`` and ``a_0007.JPG`` are both 7."""
    found: dict[int, Path] = {}
    for path in (folder / name for name in visible(folder, folders=False)):
        number = re.search(r"(\d+)$", path.stem)
        if number and path.suffix.lower() in SUFFIXES:
            found.setdefault(int(number[1]), path)
    return found


def folders(folder: Path) -> list[Path]:
    """Return the visible folders in a folder, in alphabetical order."""
    return [folder / name for name in visible(folder, folders=True)]


def visible(folder: Path, *, folders: bool) -> list[str]:
    """Return the sorted names of the visible folders, or files, in a folder; none if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir() == folders]
    except OSError:
        return []
    return sorted(name for name in names if not name.startswith(".") and name not in LITTER)


def inside(root: Path, name: str) -> Path:
    """Return the path below ``root`` of a picture that a file of the release names, with either kind of slash."""
    return root / PurePosixPath(name.strip().strip('"').replace("\\", "/").lstrip("/"))
