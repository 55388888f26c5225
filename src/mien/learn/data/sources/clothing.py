"""Clothing Attributes Data Set (Chen, Gallagher and Girod 2012), the CAD of papers/002: photos of people's clothes.

Expected layout: ``images/000001.jpg`` and so on, and ``labels/*_GT.mat``, 26 files whose ``GT`` has one value per
photo, NaN where the six annotators did not agree.

There are no official splits. The photos are from the web and for research use.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.release_files import Report, required
from mien.tasks import Kind, Task, one_hot_labels

LABELS, IMAGES = "labels", "images"

MARKER = f"{LABELS}/category_GT.mat"

CLASSES = ("shirt", "sweater", "T-shirt", "outerwear", "suit", "tank top", "dress")
"""Values 1 to 7 of the file ``category``."""

BINARY = {
    "necktie": "necktie",
    "collar": "collar",
    "gender": "female",
    "placket": "placket",
    "skin_exposure": "skin exposure",
    "scarf": "scarf",
    "pattern_solid": "solid",
    "pattern_floral": "floral",
    "pattern_spot": "spotted",
    "pattern_graphics": "graphics",
    "pattern_plaid": "plaid",
    "pattern_stripe": "striped",
    "red": "red",
    "yellow": "yellow",
    "green": "green",
    "cyan": "cyan",
    "blue": "blue",
    "purple": "purple",
    "brown": "brown",
    "white": "white",
    "gray": "grey",
    "black": "black",
    "many_colors": "many colours",
}
"""File -> label, in the order of the release: 1 is no and 2 is yes; for ``gender``, 2 is female."""

SEVERAL = {
    "sleevelength": one_hot_labels("sleeve_length", ("none", "short", "long")),
    "neckline": one_hot_labels("neckline", ("V", "round", "other")),
}
"""File -> labels of its values 1 to 3."""

ATTRIBUTES = (*BINARY.values(), *(label for labels in SEVERAL.values() for label in labels))

MEANINGS = {
    "female": "worn by a woman",
    "skin exposure": "much skin shows",
    "many colours": "more than two colours",
}
"""Meanings of labels that are not self-explanatory."""

TASKS = (
    Task("category", Kind.CLASSES, CLASSES, tuple(f"probability that the piece is a {name}" for name in CLASSES)),
    Task(
        "attributes",
        Kind.ATTRIBUTES,
        ATTRIBUTES,
        tuple(f"probability of: {MEANINGS.get(label, label.replace('_', ' '))}" for label in ATTRIBUTES),
    ),
)
"""Seven categories; 23 yes/no attributes and two with three values each, one label per value."""

METADATA = {
    "source": "Clothing Attributes Data Set (Chen, Gallagher and Girod 2012)",
    "licence": "photos from the web, for research: local use only",
}

WHOLE = 280
"""Pictures are packed whole, scaled to this side."""


def read(root: Path, report: Report) -> Iterator[Row]:
    """Yield the rows of all photos, in order, in the split ``all``; use folds to divide them.

    ``subject`` is the first photo with the same bytes: some photos occur two to four times, each time with different
    labels, and must not be divided between training and validation. A value that was not agreed on is null; for an
    attribute with three values, all three are null. A missing photo is reported, and so is a value out of range, which
    counts as not agreed on.

    Args:
        root: the folder of the release.
        report: called with a line for each missing photo and each value out of range.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if a file has no labels, or not as many as the first one.
    """
    names = ("category", *BINARY, *SEVERAL)
    images, *places = required(root, IMAGES, *(f"{LABELS}/{name}_GT.mat" for name in names))
    files = dict(zip(names, places, strict=True))
    counts = {"category": len(CLASSES)} | dict.fromkeys(BINARY, 2) | {name: len(SEVERAL[name]) for name in SEVERAL}
    values = {name: _values(path, counts[name], report) for name, path in files.items()}
    count = len(values["category"])
    for name, column in values.items():
        if len(column) != count:
            raise ValueError(f"{files[name]}: {len(column)} labels, but {files['category'].name} has {count}")
    first: dict[str, str] = {}
    for index in range(count):
        photo = images / f"{index + 1:06d}.jpg"
        try:
            content = hashlib.sha256(photo.read_bytes()).hexdigest()
        except OSError:
            report(f"{photo}: no such file")
            continue
        found = {name: None if np.isnan(column[index]) else int(column[index]) for name, column in values.items()}
        row: Row = {"path": str(photo), "split": "all", "dataset": "clothing_attributes"}
        row["subject"] = first.setdefault(content, photo.stem)
        row["category"] = None if (value := found["category"]) is None else CLASSES[value - 1]
        row |= {label: None if (value := found[name]) is None else value - 1.0 for name, label in BINARY.items()}
        for name, labels in SEVERAL.items():
            value = found[name]
            row |= {label: None if value is None else float(value == n) for n, label in enumerate(labels, 1)}
        yield row


def _values(path: Path, count: int, report: Report) -> NDArray[np.float64]:
    """Return the numbers 1 to ``count``, or NaN, of one file."""
    try:
        values = np.array(scipy.io.loadmat(path)["GT"], np.float64).ravel()
    except KeyError:
        raise ValueError(f"{path}: has no GT") from None
    except (scipy.io.matlab.MatReadError, ValueError, TypeError, NotImplementedError, zlib.error) as error:
        raise ValueError(f"{path}: not a readable MATLAB file ({error})") from None
    wrong = ~np.isnan(values) & ~np.isin(values, np.arange(1, count + 1))
    for index in np.flatnonzero(wrong):
        report(f"{path}: photo {index + 1}: value {values[index]:g}, expected 1 to {count}")
    values[wrong] = np.nan
    return values
