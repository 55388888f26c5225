"""What real copies of data sets look like: folders around folders, endings in capitals, pictures that are missing."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mien.learn.data.sources.shared.files import Fault, lines, required
from mien.media.picture import SUFFIXES

LITTER = ("__MACOSX",)
"""Folders that archives bring along and that hold no data; so do those whose name begins with a dot."""

SPLITS = ("train", "valid", "test", "all")

DEPTH = 3
"""How many folders may lie around a release."""


ENDINGS = (".jpg", ".png", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
"""Under which a picture is looked for that is not there under its own: copies are converted."""

KEPT = 8
"""Listings that a :class:`Shelf` remembers."""


class Shelf:
    """Looks pictures up by name: each folder is listed once, so that 200,000 names cost one listing, not as many calls.

    The last few listings are remembered as long as the object lives: readers go from folder to folder.
    """

    def __init__(self) -> None:
        self._files: dict[Path, dict[str, Path]] = {}
        self._numbers: dict[Path, dict[int, Path]] = {}

    def files(self, folder: Path) -> dict[str, Path]:
        """Name in small letters -> path of each visible file of a folder, in their order; empty if there is none."""
        if folder not in self._files:
            _forget(self._files)
            self._files[folder] = {path.name.lower(): path for path in _entries(folder, folders=False)}
        return self._files[folder]

    def find(self, path: Path) -> Path | None:
        """The file, whatever letters are capitals; failing that a picture of this name with another ending; or None."""
        there = self.files(path.parent)
        name = path.name.lower()
        if found := there.get(name):
            return found
        stem = name.rpartition(".")[0] or name
        return next((there[stem + suffix] for suffix in ENDINGS if stem + suffix in there), None)

    def numbered(self, folder: Path) -> dict[int, Path]:
        """Pictures of a folder by the number that their stem ends with: ``7.png`` and ``a_0007.JPG`` are both 7."""
        if folder not in self._numbers:
            _forget(self._numbers)
            found = self._numbers[folder] = {}
            for path in self.files(folder).values():
                number = re.search(r"(\d+)$", path.stem)
                if number and path.suffix.lower() in SUFFIXES:
                    found.setdefault(int(number[1]), path)
        return self._numbers[folder]


def walk(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """A folder, then all visible folders in it: each with its visible files, in their order."""
    yield folder, _entries(folder, folders=False)
    for inner in folders(folder):
        yield from walk(inner)


def pictures(folder: Path) -> Iterator[Path]:
    """The visible pictures of a folder and of all folders in it, in their order."""
    for _, files in walk(folder):
        yield from (path for path in files if path.suffix.lower() in SUFFIXES)


def folders(folder: Path) -> list[Path]:
    """The visible folders in a folder, in their order."""
    return _entries(folder, folders=True)


def home(root: Path, *choices: str | Sequence[str]) -> Path:
    """``root``, or the folder in it, up to three deep, that holds what a release must hold.

    Args:
        root: that the user points at.
        choices: as those of :func:`mien.learn.data.sources.shared.files.required`.

    Raises:
        FileNotFoundError: naming all that was looked for in ``root`` and not found.
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
        if len(level) > 200:  # the pictures' own folders: no folder that lies around a release has so many
            break
    required(root, *choices)
    raise AssertionError("not reached: the line above raises")


def share(key: str, seed: int = 0) -> float:
    """A number in [0, 1) that depends on key and seed alone, evenly spread: so adding keys moves no other key."""
    return int.from_bytes(hashlib.sha256(f"{seed} {key}".encode()).digest()[:8], "big") / 2**64


def dealt(keys: Sequence[str], *, valid: float, test: float, seed: int = 0) -> dict[str, str]:
    """A split for each of the pictures of one identity, so that the identity is in every split if it can be.

    The keys are put in the order of their hash. The share ``valid`` of them, at least one, goes to valid, the share
    ``test``, at least one, to test, the rest to train. Of two keys one is for train and one for test; one is for train.
    """
    order = sorted(keys, key=lambda key: share(key, seed))
    last = 0 if len(order) < 2 or not test else max(1, round(test * len(order)))
    middle = 0 if len(order) < 3 or not valid else max(1, round(valid * len(order)))
    names = ["test"] * last + ["valid"] * middle
    return dict(zip(order, names + ["train"] * (len(order) - len(names)), strict=True))


def subject_splits(path: Path, fault: Fault) -> dict[str, str]:
    """Subject -> split from a text file with a line ``subject split`` each, with a comma or blanks between.

    A line that names no split, or a subject for the second time, is a fault.

    Raises:
        OSError: if it cannot be opened.
    """
    found: dict[str, str] = {}
    for number, text in lines(path, fault):
        cells = text.replace(",", " ").split()
        if len(cells) != 2 or cells[1].lower() not in SPLITS:
            fault(f"{path}: line {number}: {text.strip()!r} is not a subject and one of {', '.join(SPLITS)}")
        elif cells[0] in found:
            fault(f"{path}: line {number}: subject {cells[0]} stands there twice")
        else:
            found[cells[0]] = cells[1].lower()
    return found


def _forget(listings: dict[Path, Any]) -> None:
    """Make room for one more."""
    if len(listings) >= KEPT:
        del listings[next(iter(listings))]


def _entries(folder: Path, *, folders: bool) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir() == folders]
    except OSError:
        return []
    return [folder / name for name in sorted(names) if not name.startswith(".") and name not in LITTER]
