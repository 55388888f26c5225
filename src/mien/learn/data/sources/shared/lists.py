"""Lists of labels: with or without a header, the numbers in their cells, and the pictures that they name."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from mien.learn.data.sources.shared.files import Fault, lines, number
from mien.media.picture import SUFFIXES


class Catalogue:
    """Which files there are: each folder is listed once, however many of its files a list names, and in any order.

    Names are kept, not paths: those of half a million files take some 80 MB.
    """

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, str]] = {}

    def names(self, folder: Path) -> dict[str, str]:
        """Name in small letters -> name of each visible file of a folder; empty if there is no folder."""
        if folder not in self._names:
            try:
                with os.scandir(folder) as entries:
                    self._names[folder] = {entry.name.lower(): entry.name for entry in entries if entry.name[0] != "."}
            except OSError:
                self._names[folder] = {}
        return self._names[folder]

    def find(self, path: Path) -> Path | None:
        """The file, whichever of its letters are capitals; failing that a picture with another ending; or None."""
        folder, name = path.parent, path.name.lower()
        there, stem = self.names(folder), name.rpartition(".")[0] or name
        found = there.get(name) or next((there[stem + end] for end in sorted(SUFFIXES) if stem + end in there), None)
        return None if found is None else folder / found


def table(
    path: Path, fault: Fault, columns: Sequence[str], delimiter: str = ","
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column of a table, whether it begins with a header or not.

    A first line that has the name of the first column in it is a header, and says where the columns are; without one
    they are these, in this order. Names are compared by their letters and digits, without case.

    Args:
        path: of a text file or a ``.gz`` of one.
        fault: told of each row with too few cells.
        columns: that must be there; cells come under these names, those of other columns not at all.
        delimiter: between cells.

    Raises:
        ValueError: if the header lacks a column.
        OSError: if the file cannot be opened.
    """
    numbered: Iterator[tuple[int, list[str]]] = ((line, _cells(text, delimiter)) for line, text in lines(path, fault))
    first = next(numbered, None)
    if first is None:
        return
    header = [plain(cell) for cell in first[1]]
    wanted = [plain(name) for name in columns]
    if wanted[0] in header:
        if missing := [name for name, key in zip(columns, wanted, strict=True) if key not in header]:
            raise ValueError(f"{path}: has no column {', '.join(missing)} (it has {', '.join(first[1])})")
        places, expected = [header.index(key) for key in wanted], len(header)
    else:
        places, expected, numbered = list(range(len(columns))), len(columns), chain([first], numbered)
    for line, cells in numbered:
        if len(cells) < expected:
            fault(f"{path}: line {line}: {len(cells)} cells, expected {expected}")
        else:
            yield line, {name: cells[place].strip() for name, place in zip(columns, places, strict=True)}


def within(text: str, low: float = -1.0, high: float = 1.0) -> float:
    """The number in a cell; ValueError, in words for a message, if it is none or lies outside [low, high]."""
    value = number(text)
    if value is None:
        raise ValueError(f"{text!r} is not a number")
    if not low <= value <= high:
        raise ValueError(f"{text} is outside [{low:g}, {high:g}]")
    return value


def whole_number(text: str, low: int, high: int) -> int:
    """The whole number in a cell; ValueError, in words for a message, if it is none or lies outside [low, high]."""
    value = within(text, low, high)
    if value != int(value):
        raise ValueError(f"{text} is not a whole number")
    return int(value)


def plain(name: str) -> str:
    """A name in small letters, of letters and digits alone: ``'AU 1'`` and ``AU1`` are one."""
    return re.sub(r"[\W_]", "", name).lower()


def _cells(text: str, delimiter: str) -> list[str]:
    """The cells of one line; a quote that is never closed is a letter like any other."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return text.split(delimiter)
