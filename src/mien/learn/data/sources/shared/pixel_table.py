"""Pictures whose pixels stand in a CSV file, as those of FER2013: each is written out as a PNG file, to have a path."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mien.learn.data.sources.shared.expression_words import SPLITS
from mien.learn.data.sources.shared.files import Fault, records

SIDE = 48
"""Of the pictures, in pixels."""


@dataclass(frozen=True)
class Entry:
    """A row of the table.

    Args:
        path: of the PNG file that was written.
        split: from the column Usage; all if there is none.
        label: what the row's code stands for.
        first: the name of the first picture with the same pixels.
    """

    path: Path
    split: str
    label: str | None
    first: str


def entries(table: Path, folder: Path, labels: Sequence[str | None], fault: Fault) -> Iterator[Entry]:
    """The rows of a table with the columns emotion, pixels and, if need be, Usage; their pictures go into ``folder``.

    A picture is called by the number of its row, from 0. A row with another code, another usage, or not 48 x 48 numbers
    from 0 to 255 is a fault and left out.

    Raises:
        ValueError: if a column is missing.
        OSError: if the table cannot be read or a picture not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first: dict[bytes, str] = {}
    for line, cells in records(table, fault, ("emotion", "pixels")):
        code, usage = cells["emotion"], cells.get("usage", "")
        if not code.isdecimal() or int(code) >= len(labels):
            fault(f"{table}: line {line}: emotion {code!r} is none of 0 to {len(labels) - 1}")
        elif usage and usage.lower() not in SPLITS:
            fault(f"{table}: line {line}: unknown usage {usage!r}")
        elif (pixels := _pixels(cells["pixels"])) is None:
            fault(f"{table}: line {line}: expected {SIDE} x {SIDE} pixels from 0 to 255")
        else:
            path = folder / f"{line - 2:05d}.png"
            Image.fromarray(pixels).save(path)
            same = first.setdefault(pixels.tobytes(), path.stem)
            yield Entry(path, SPLITS.get(usage.lower(), "all"), labels[int(code)], same)


def _pixels(text: str) -> np.ndarray | None:
    try:
        values = np.array(text.split(), np.int64)
    except (ValueError, OverflowError):
        return None
    if values.size != math.prod((SIDE, SIDE)) or values.min() < 0 or values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(SIDE, SIDE)
