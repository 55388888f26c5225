"""Shoes (Berg et al. 2010) with ten attributes (Kovashka et al. 2012), the SADD of papers/002: 14,658 women's shoes.

Expected, under the names of the releases::

    womens_boots/0/img_womens_boots_12.jpg    ten folders, one a type, of the Attribute Discovery Dataset
    shoes_attributes.mat                      of WhittleSearch: ``class_names``, ``attribute_names``, ``orders``

The attributes are relative: ``orders`` (attributes x types) says how far up each type stands in the order of an
attribute. From that the yes/no labels are made here: types in the upper half have it, those in the lower half have not.
So an attribute follows from the type. How papers/002 made theirs it does not say.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.copies import folders, home, pictures, share
from mien.learn.data.sources.shared.files import Fault
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
    "weak": {"attributes": "from the order of the ten types, upper half against lower half: no photo was looked at"},
}

WHOLE = 280
"""Pictures are packed whole, scaled to this side (papers/002)."""

LABELS = "shoes_attributes.mat"


def read(root: Path, fault: Fault, *, test: float = 0.5, seed: int = 0) -> Iterator[Row]:
    """A row for each photo: its type, and the attributes that types like it have.

    There is no official division; by a hash of its name a photo is in train or test, half and half as in papers/002.

    Args:
        root: of the folders ``womens_*``, or a folder around them; ``shoes_attributes.mat`` in it or beside it. Without
            that file there are no attributes, which is a fault.
        fault: told what cannot be used.
        test: share of the photos in test.
        seed: of the division.

    Raises:
        FileNotFoundError: naming the folders that were looked for.
    """
    place = home(root, tuple(TYPES))
    labels = next((path for folder in (place, *place.parents[:2], root) if (path := folder / LABELS).is_file()), None)
    if labels is None:
        fault(f"{place}: has no {LABELS}; the photos have no attributes")
    attributes = _attributes(labels, fault) if labels else {}
    there = {folder.name.lower(): folder for folder in folders(place)}
    for name, kind in TYPES.items():
        if name not in there:
            fault(f"{place}: has no folder {name}")
            continue
        for photo in pictures(there[name]):
            split = "test" if share(photo.name, seed) < test else "train"
            row: Row = {"path": str(photo), "split": split, "dataset": "shoes", "type": kind}
            yield row | attributes.get(name, {})


def _attributes(path: Path, fault: Fault) -> dict[str, dict[str, float]]:
    """Folder -> attribute -> 1 or 0; nothing, and a fault, if the file is not as it should be."""
    try:
        content = scipy.io.loadmat(path, squeeze_me=True)
        names = [_plain(name) for name in content["class_names"]]
        orders = np.asarray(content["orders"], np.float64)
        said = [_letters(name) for name in content["attribute_names"]]
    except (scipy.io.matlab.MatReadError, KeyError, ValueError, TypeError, NotImplementedError, zlib.error) as error:
        fault(f"{path}: cannot be read as the labels of the shoes ({error})")
        return {}
    known = {_plain(folder): folder for folder in TYPES}
    wanted = [_letters(label) for label in ATTRIBUTES]
    if sorted(said) != sorted(wanted) or sorted(names) != sorted(known) or orders.shape != (len(wanted), len(known)):
        fault(f"{path}: its attributes, types or orders are not those of ten attributes and ten types of shoes")
        return {}
    orders = orders[[said.index(label) for label in wanted]]
    above = orders - np.median(orders, axis=1, keepdims=True)
    return {
        known[name]: {label: float(value > 0) for label, value in zip(ATTRIBUTES, column, strict=True) if value}
        for name, column in zip(names, above.T, strict=True)
    }


def _plain(name: Any) -> str:
    """womens_high_heels, High Heels and high-heels are one."""
    return _letters(name).removeprefix("womens").removesuffix("shoes").removesuffix("s")


def _letters(name: Any) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalpha())
