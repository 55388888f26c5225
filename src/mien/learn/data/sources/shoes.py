"""Shoes (Berg et al. 2010) with ten attributes (Kovashka et al. 2012), the SADD of papers/002: 14,658 women's shoes.

Expected layout::

    womens_boots/0/img_womens_boots_12.jpg    ten folders, one per type, of the Attribute Discovery Dataset
    shoes_attributes.mat                      of WhittleSearch: ``class_names``, ``attribute_names``, ``orders``

The attributes are relative: for each attribute, ``orders`` (attributes x types) ranks the types. Types in the upper
half have the attribute, types in the lower half do not, and a type exactly in the middle is null. So the attributes
follow from the type and are weak; papers/002 does not explain how it obtained its own. The photos are from shops and
for research use.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.release_files import Report, find_root, folders, pictures
from mien.learn.data.sources.shared.splits import share
from mien.tasks import Kind, Task

TYPES = {
    "womens_athletic_shoes": "athletic shoe",
    "womens_boots": "boot",
    "womens_clogs": "clog",
    "womens_flats": "flat",
    "womens_high_heels": "high heel",
    "womens_pumps": "pump",
    "womens_rain_boots": "rain boot",
    "womens_sneakers": "sneaker",
    "womens_stiletto": "stiletto",
    "womens_wedding_shoes": "wedding shoe",
}
"""Folder -> class."""

ATTRIBUTES = (
    "pointy at the front", "open", "bright in color", "covered with ornaments", "shiny", "high at the heel",
    "long on the leg", "formal", "sporty", "feminine",
)  # fmt: skip
"""In the order of Kovashka et al."""

TASKS = (
    Task(
        "type",
        Kind.CLASSES,
        tuple(TYPES.values()),
        tuple(f"probability that it is a {name}" for name in TYPES.values()),
    ),
    Task("attributes", Kind.ATTRIBUTES, ATTRIBUTES, tuple(f"probability that it is {name}" for name in ATTRIBUTES)),
)

METADATA = {
    "source": "Attribute Discovery Dataset, women's shoes (Berg et al. 2010), attributes by Kovashka et al. (2012)",
    "licence": "photos from shops, for research: local use only",
    "release": "womens_* folders and shoes_attributes.mat",
    "weak": {"attributes": "from the order of the ten types, upper half against lower half; no photo was examined"},
}

WHOLE = 280
"""Pictures are packed whole, scaled to this side (papers/002)."""

LABELS = "shoes_attributes.mat"

TEST = 0.5
"""Share of the photos in test, as in papers/002."""


def read(root: Path, report: Report) -> Iterator[Row]:
    """Yield a row for each photo: its type, and the attributes of that type.

    There are no official splits; a hash of its name puts a photo into train or test, half and half as in papers/002.

    Args:
        root: the folder that has the folders ``womens_*``, or a parent folder; ``shoes_attributes.mat`` is in it or
            next to it. Without that file there are no attributes, which is reported.
        report: called with a line for each unusable file or folder.

    Raises:
        FileNotFoundError: if folders are missing; the message names them.
    """
    place = find_root(root, tuple(TYPES))
    labels = next((path for folder in (place, *place.parents[:2], root) if (path := folder / LABELS).is_file()), None)
    if labels is None:
        report(f"{place}: no {LABELS}; the photos have no attributes")
    attributes = _attributes(labels, report) if labels else {}
    there = {folder.name.lower(): folder for folder in folders(place)}
    for name, kind in TYPES.items():
        if name not in there:
            report(f"{place}: no folder {name}")
            continue
        for photo in pictures(there[name]):
            split = "test" if share(photo.name) < TEST else "train"
            row: Row = {"path": str(photo), "split": split, "dataset": "shoes", "type": kind}
            yield row | attributes.get(name, {})


def _attributes(path: Path, report: Report) -> dict[str, dict[str, float]]:
    """Return folder -> attribute -> 1 or 0; nothing if the file is not as expected, which is reported."""
    try:
        content = scipy.io.loadmat(path, squeeze_me=True)
        names = [_plain(name) for name in content["class_names"]]
        orders = np.asarray(content["orders"], np.float64)
        named = [_letters(name) for name in content["attribute_names"]]
    except (scipy.io.matlab.MatReadError, KeyError, ValueError, TypeError, NotImplementedError, zlib.error) as error:
        report(f"{path}: cannot be read as the labels of the shoes ({error})")
        return {}
    known = {_plain(folder): folder for folder in TYPES}
    wanted = [_letters(label) for label in ATTRIBUTES]
    if sorted(named) != sorted(wanted) or sorted(names) != sorted(known) or orders.shape != (len(wanted), len(known)):
        report(f"{path}: its attributes, types or orders are not those of ten attributes and ten types of shoes")
        return {}
    orders = orders[[named.index(label) for label in wanted]]
    above = orders - np.median(orders, axis=1, keepdims=True)
    return {
        known[name]: {label: float(value > 0) for label, value in zip(ATTRIBUTES, column, strict=True) if value}
        for name, column in zip(names, above.T, strict=True)
    }


def _plain(name: Any) -> str:
    """Return a name of a type for comparison: womens_high_heels, High Heels and high-heels are equal."""
    return _letters(name).removeprefix("womens").removesuffix("shoes").removesuffix("s")


def _letters(name: Any) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalpha())
