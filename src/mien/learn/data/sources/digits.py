"""Handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak 1998), which come with scikit-learn: nothing to download.

The strokes of a digit follow from its usual shape; some people draw it differently (a 7 may have a second bar).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from mien.faces.detect import Pixels
from mien.learn.data.manifest.columns import Row
from mien.relatedness.table import Relatedness
from mien.tasks import Kind, Task

CLASSES = tuple("0123456789")

STROKES = {
    "loop": "0689",
    "loop above": "89",
    "loop below": "68",
    "vertical bar": "14",
    "bar on top": "57",
    "diagonal": "247",
    "open left above": "23",
    "open left below": "359",
    "open right above": "56",
    "straight only": "147",
}
"""Stroke -> the digits that have it. Every stroke is in at least two digits; no two digits have the same strokes."""

TASKS = (
    Task("digit", Kind.CLASSES, CLASSES, tuple(f"probability that it is a {digit}" for digit in CLASSES)),
    Task("strokes", Kind.ATTRIBUTES, tuple(STROKES), tuple(f"probability of: {stroke}" for stroke in STROKES)),
)

RELATEDNESS = Relatedness.from_table(
    *TASKS,
    prototypical={digit: [stroke for stroke, those in STROKES.items() if digit in those] for digit in CLASSES},
    observational={},
    source="the usual shapes of the digits; exact: a digit has a stroke or does not",
)

METADATA = {
    "source": "Optical Recognition of Handwritten Digits (Alpaydin and Kaynak 1998), from scikit-learn",
    "licence": "CC BY 4.0",
    "grey": True,
}

WHOLE = 8
"""Pictures are packed whole, at this many pixels per side."""

NAME = "digit "
"""The digits are not in files: their paths are ``digit 0`` and so on."""

SHARES = (0.2, 0.4)
"""The shuffled rows are ``valid`` up to the first share, ``test`` up to the second, then ``train``."""


def read(
    root: Path | None = None,  # noqa: ARG001
    report: Callable[[str], None] = lambda _: None,  # noqa: ARG001
    *,
    seed: int = 0,
) -> Iterator[Row]:
    """Manifest rows of the 1,797 digits.

    Args:
        root: ignored, because the digits come with scikit-learn.
        report: never called, because no row is unusable.
        seed: seed of the division into train, valid and test, 3 : 1 : 1.
    """
    targets = _data().target
    place = np.empty(len(targets))
    place[np.random.default_rng(seed).permutation(len(targets))] = (np.arange(len(targets)) + 0.5) / len(targets)
    valid, test = SHARES
    for number, target in enumerate(targets):
        digit = CLASSES[target]
        split = "valid" if place[number] < valid else "test" if place[number] < test else "train"
        strokes = {stroke: float(digit in those) for stroke, those in STROKES.items()}
        yield {"path": f"{NAME}{number}", "split": split, "dataset": "digits", "digit": digit, **strokes}


def picture(row: Row) -> Pixels:
    """The picture of a row, 8 x 8 x 3 uint8: paper is 0, ink is 255."""
    image = _data().images[int(row["path"].removeprefix(NAME))]
    return np.repeat(np.rint(image * (255 / 16)).astype(np.uint8)[..., None], 3, axis=2)


@cache
def _data() -> Any:
    return load_digits()
