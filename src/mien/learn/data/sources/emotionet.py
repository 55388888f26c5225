"""EmotioNet (Fabian Benitez-Quiroz et al. 2016 and its challenges): photos from the web with action units.

The release consists of lists of addresses; you download the photos, which may be in any folder of ``root``, named by
the last part of their address (``N_0000000001_00001.jpg``).

- ``dataFile_0001.txt`` and so on: no header, separated by tabs: address, original address, AU1 to AU60.
- ``EmotioNet_FACS_aws_2020_24600.csv`` (the sheet of this name, saved as CSV): the same columns, with the header
  ``URL``, ``URL orig``, ``'AU 1'``, ...
- Expressions: a list ``*categories*.txt`` or ``.csv`` with one line per photo, its address or name and the category in
  words, separated by a tab or comma: the six basic and ten compound emotions of the challenge. We do not know for
  certain how it is released; numbers instead of words are refused.

A unit is 1 or 0, and 999 (or -1) where it is not annotated. The units of lists that were not annotated manually are
weak: a classifier found them. The photos, from the web, are available for research by agreement with the authors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.release_files import LITTER, Report, find_root
from mien.learn.data.sources.shared.text_files import lines, plain, records, whole_number
from mien.media.picture import SUFFIXES
from mien.tasks import ALL_TASKS, COMPOUND

TASKS = ALL_TASKS

METADATA = {
    "source": "EmotioNet (Fabian Benitez-Quiroz, Srinivasan and Martinez 2016)",
    "licence": "photos from the web, for research, by agreement with its authors: local use only",
    "release": "lists of the challenges of 2017 to 2020, photos as the user downloaded them",
    "weak": {"action_units": "in the split train: found by a classifier, not by annotators"},
}

LISTS = ("dataFile_*.txt", "EmotioNet_FACS*.csv")

BY_HAND = ("EmotioNet_FACS*.csv", "dataFile_1000.txt")
"""Manually annotated lists."""

CATEGORIES = ("*categories*.txt", "*categories*.csv")
"""Lists of expressions."""

UNITS = (1, 2, 4, 5, 6, 9, 12, 17, 20, 25, 26)
"""The units annotated for the challenge of 2017 (papers/003, section 4.1)."""

MORE_UNITS = tuple(sorted((*UNITS, 10, 15, 24)))
"""The units of ours annotated for the challenge of 2020."""

UNKNOWN = (999, -1)

BASIC = {
    "happy": "happiness", "sad": "sadness", "fearful": "fear", "angry": "anger", "surprised": "surprise",
    "disgusted": "disgust",
}  # fmt: skip
"""Adjective -> expression; the nouns are accepted as well."""

OTHER = ("appalled", "awed", "hatred", "happily sad", "happily fearful", "fearfully disgusted")
"""Categories that are not in our label space."""


def read(root: Path, report: Report, *, by_hand: Sequence[str] = BY_HAND) -> Iterator[Row]:
    """Yield the rows of the photos, list by list, manually annotated lists first.

    Splits: ``valid`` for manually annotated lists, ``train`` for the others, whose action units are weak, and ``all``
    for photos with an expression. A photo in several lists of action units has one row, from the first of them.

    Args:
        root: the folder with the lists and the photos, or a parent folder.
        report: called with a line for each unusable row, and once per list with the number of photos in another one.
        by_hand: patterns of the names of manually annotated lists.

    Raises:
        FileNotFoundError: if lists are missing; the message names them.
        ValueError: if a list lacks its columns.
    """
    kinds = (tuple(by_hand), LISTS, CATEGORIES)
    names = [tuple(f"{up}{name}{end}" for name in kind for up in ("", "*/") for end in ("", ".gz")) for kind in kinds]
    place = find_root(root, tuple(name for kind in names for name in kind))
    hand, lists, words = ([path for name in kind for path in sorted(place.glob(name))] for kind in names)
    photos, seen = _photos(root), set[str]()
    for path in dict.fromkeys((*hand, *lists)):
        if path not in words:
            yield from _units(path, "valid" if path in hand else "train", photos, seen, report)
    for path in words:
        yield from _categories(path, photos, report)


def _photos(root: Path) -> dict[str, str]:
    """Return lower-case name -> path of every picture, the first of each name; strings, as there may be a million."""
    found: dict[str, str] = {}
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in LITTER)
        for name in names:
            if not name.startswith(".") and f".{name.rpartition('.')[2].lower()}" in SUFFIXES:
                found.setdefault(name.lower(), f"{folder}{os.sep}{name}")
    return found


def _units(path: Path, split: str, photos: dict[str, str], seen: set[str], report: Report) -> Iterator[Row]:
    """Yield the rows of a list of action units."""
    first = next((text for _, text in lines(path)), "")
    delimiter = "\t" if "\t" in first else ","
    header = {plain(cell) for cell in first.split(delimiter)}
    named = "url" in header
    units = [n for n in MORE_UNITS if f"au{n}" in header] if named else UNITS
    if not units:
        raise ValueError(f"{path}: no column of an action unit, such as AU1")
    columns = ("URL", *map("AU{}".format, units)) if named else ("URL", "URL orig", *map("AU{}".format, range(1, 61)))
    own: set[str] = set()
    elsewhere = 0
    for line, cells in records(path, report, columns, delimiter=delimiter, header_optional=True):
        where, name = f"{path}: line {line}", _name(cells["URL"])
        try:
            values = {f"AU{n:02d}": whole_number(cells[f"AU{n}"], -1, 999) for n in units}
            if wrong := [f"{unit} {value}" for unit, value in values.items() if value not in (0, 1, *UNKNOWN)]:
                raise ValueError(f"{wrong[0]} is not 0, 1 or 999")
        except ValueError as error:
            report(f"{where}: {error}")
            continue
        if name in own:
            report(f"{where}: {name}: duplicate picture")
        elif name in seen:
            elsewhere += 1
        elif name not in photos:
            report(f"{where}: {name}: no such picture")
        elif any(value not in UNKNOWN for value in values.values()):
            labels = {unit: None if value in UNKNOWN else float(value) for unit, value in values.items()}
            yield {"path": photos[name], "split": split, "dataset": "emotionet", "subject": None, **labels}
        own.add(name)
    seen |= own
    if elsewhere:
        report(f"{path}: {elsewhere} photos are also in another list, whose labels are used")


def _categories(path: Path, photos: dict[str, str], report: Report) -> Iterator[Row]:
    """Yield the rows of a list of expressions; photos with a category that is not in our label space are skipped."""
    seen: set[str] = set()
    for line, text in lines(path, report):
        where = f"{path}: line {line}"
        address, _, word = text.rpartition("\t" if "\t" in text else ",")
        name, labels = _name(address), _expression(word)
        if line == 1 and labels is None and "." not in name:
            continue  # a header
        if labels is None:
            report(f"{where}: {word.strip()!r} is not a category in words")
        elif name in seen:
            report(f"{where}: {name}: duplicate picture")
        elif name not in photos:
            report(f"{where}: {name}: no such picture")
        elif labels:
            yield {"path": photos[name], "split": "all", "dataset": "emotionet", "subject": None, **labels}
        seen.add(name)


def _expression(word: str) -> Row | None:
    """Return the label column of a category: empty if it is not in our label space, None if it is unknown."""
    word = " ".join(word.replace("_", " ").replace("-", " ").strip(" \"'").lower().split())
    basic = BASIC.get(word, word if word in BASIC.values() else None)
    if basic:
        return {"expression": basic}
    if word in COMPOUND.labels:
        return {"compound": word}
    return {} if word in OTHER else None


def _name(address: str) -> str:
    """Return the last part of an address, in lower case."""
    return address.strip(" \"'").replace("\\", "/").rpartition("/")[2].lower()
