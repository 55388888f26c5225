"""Caltech-UCSD Birds 200-2011 (Wah et al. 2011): 11,788 photos of 200 species with 312 attributes each.

Expected layout::

    images/001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
    images.txt                  ``1 001.Black_footed_Albatross/...jpg``
    classes.txt                 ``1 001.Black_footed_Albatross``
    image_class_labels.txt      ``1 1``: photo, class
    train_test_split.txt        ``1 0``: photo, 1 for training
    bounding_boxes.txt          ``1 60.0 27.0 325.0 304.0``: photo, x, y, width, height
    attributes/image_attribute_labels.txt   ``1 1 0 3 27.708``: photo, attribute, present, certainty, seconds
    attributes.txt              ``1 has_bill_shape::curved_(up_or_down)``; also in ``attributes`` or next to the folder

Some lines of the attributes have an extra cell; only their first four cells are read.

The attributes are weak: each photo was described by one crowd worker, with a certainty. The photos are from the web
and for research use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.release_files import Report, find_root, inside, not_found, required
from mien.learn.data.sources.shared.splits import share
from mien.learn.data.sources.shared.text_files import lines, number
from mien.tasks import Kind, Task, one_hot_labels

METADATA = {
    "source": "Caltech-UCSD Birds 200-2011 (Wah, Branson, Welinder, Perona and Belongie 2011)",
    "licence": "photos from the web, for research: local use only",
    "release": "CUB_200_2011",
    "weak": {"attributes": "each photo was described by one crowd worker, with a certainty"},
}

WHOLE = 280
"""Pictures are packed without face detection: the box of the bird, scaled to this side (papers/002)."""

ATTRIBUTE_NAMES = ("attributes/attributes.txt", "attributes.txt", "../attributes.txt")

NOT_VISIBLE, DEFINITELY = 1, 4
"""Certainties; in between are 2, guessing, and 3, probably."""

Value = TypeVar("Value")


def tasks(root: Path) -> tuple[Task, ...]:
    """Return species and attributes, named as in ``Black footed Albatross`` and ``bill_shape=curved_(up_or_down)``.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if a line does not name a species or an attribute.
    """
    root = _root(root)
    species, attributes = _species(root), _attributes(root)
    return (
        Task("species", Kind.CLASSES, species, tuple(f"probability that it is a {name}" for name in species)),
        Task(
            "attributes", Kind.ATTRIBUTES, attributes, tuple(f"probability of: {_words(name)}" for name in attributes)
        ),
    )


def read(root: Path, report: Report, *, certainty: int = 2, validation: float = 0.0) -> Iterator[Row]:
    """Yield a row for each photo: species, attributes and the box of the bird.

    An attribute that was not visible is null, even if the line has a value. Several values of one attribute can be
    present, as in a black and white wing.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable row.
        certainty: the lowest certainty at which an attribute counts: 2 guessing, 3 probably, 4 definitely.
        validation: share of the training photos that go into the split valid; the release has train and test only.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if a line does not name a species or an attribute, or the certainty is not 2, 3 or 4.
    """
    if certainty not in range(NOT_VISIBLE + 1, DEFINITELY + 1):
        raise ValueError(f"certainty {certainty}: expected 2, 3 or 4")
    root = _root(root)
    species, names = _species(root), _attributes(root)
    photos = _table(root / "images.txt", 2, lambda cells: cells[0], report)
    labels = _table(root / "image_class_labels.txt", 2, lambda cells: _within(cells[0], 1, len(species)), report)
    train = _table(root / "train_test_split.txt", 2, lambda cells: _within(cells[0], 0, 1), report)
    boxes = _table(root / "bounding_boxes.txt", 5, _box, report)
    described = _described(root, photos, len(names), certainty, report)
    lookup = FileLookup()
    for index, name in photos.items():
        photo = lookup.find(inside(root / "images", name))
        if photo is None:
            report(f"{root / 'images' / name}: no such picture")
            continue
        split = {1: "valid" if share(name) < validation else "train", 0: "test"}.get(train.get(index, -1), "all")
        label = labels.get(index)
        row: Row = {"path": str(photo), "split": split, "dataset": "cub_200_2011"}
        row["species"] = None if label is None else species[label - 1]
        row |= dict(zip(("x", "y", "width", "height"), boxes.get(index, [None] * 4), strict=True))
        values = described.get(index)
        yield row | {
            label: None if values is None or values[place] < 0 else float(values[place])
            for place, label in enumerate(names)
        }


def _root(root: Path) -> Path:
    files = ("images.txt", "image_class_labels.txt", "classes.txt", "train_test_split.txt", "bounding_boxes.txt")
    return find_root(root, *files)


def _species(root: Path) -> tuple[str, ...]:
    """Return the species: ``001.Black_footed_Albatross`` is Black footed Albatross."""
    path = root / "classes.txt"
    return tuple(re.sub(r"^\d+\.", "", name).replace("_", " ") for name in _names(path))


def _attributes(root: Path) -> tuple[str, ...]:
    """Return the attributes: ``has_bill_shape::dagger`` is bill_shape=dagger."""
    path = next((place for name in ATTRIBUTE_NAMES if (place := root / name).is_file()), None)
    if path is None:
        raise not_found(root, " or ".join(ATTRIBUTE_NAMES))
    values: dict[str, list[str]] = {}
    for name in _names(path):
        attribute, separator, value = name.removeprefix("has_").partition("::")
        if not separator:
            raise ValueError(f"{path}: {name!r} is not has_attribute::value")
        values.setdefault(attribute, []).append(value)
    return tuple(label for attribute, theirs in values.items() for label in one_hot_labels(attribute, theirs))


def _names(path: Path) -> list[str]:
    """Return the names of lines ``number name``, numbered from 1 without a gap."""
    found: list[str] = []
    for line, text in lines(path):
        place, _, name = text.strip().partition(" ")
        if place != str(len(found) + 1) or not name.strip():
            raise ValueError(f"{path}: line {line}: expected number {len(found) + 1} and a name, not {text.strip()!r}")
        found.append(name.strip())
    return found


def _words(name: str) -> str:
    return name.replace("=", ": ").replace("_", " ")


def _table(path: Path, count: int, value: Callable[[list[str]], Value | None], report: Report) -> dict[int, Value]:
    """Return photo -> value, of lines with ``count`` cells, the first of which is the number of the photo."""
    found: dict[int, Value] = {}
    for line, text in lines(path, report):
        place, *cells = text.split()
        result = value(cells) if len(cells) == count - 1 and place.isdecimal() else None
        if result is None:
            report(f"{path}: line {line}: unusable line {text.strip()!r}")
        elif int(place) in found:
            report(f"{path}: line {line}: duplicate photo {place}")
        else:
            found[int(place)] = result
    return found


def _within(cell: str, low: int, high: int) -> int | None:
    return int(cell) if cell.isdecimal() and low <= int(cell) <= high else None


def _box(cells: list[str]) -> list[float] | None:
    values = [value for cell in cells if (value := number(cell)) is not None]
    return values if len(values) == 4 and values[2] > 0 and values[3] > 0 else None


def _described(
    root: Path, photos: dict[int, str], count: int, certainty: int, report: Report
) -> dict[int, NDArray[np.int8]]:
    """Return photo -> 1 or 0 for each attribute; -1 where it was not visible, too uncertain or not described."""
    (path,) = required(root, "attributes/image_attribute_labels.txt")
    found: dict[int, NDArray[np.int8]] = {}
    for line, text in lines(path, report):
        cells = text.split()[:4]
        if len(cells) < 4 or not all(map(str.isdecimal, cells)):
            report(f"{path}: line {line}: {text.strip()!r} is not photo, attribute, presence and certainty")
            continue
        photo, attribute, present, sure = map(int, cells)
        if photo not in photos or not 1 <= attribute <= count or present > 1 or not NOT_VISIBLE <= sure <= DEFINITELY:
            report(f"{path}: line {line}: {text.strip()!r} is out of range")
            continue
        if photo not in found:
            found[photo] = np.full(count, -1, np.int8)
        found[photo][attribute - 1] = present if sure >= certainty else -1
    return found
