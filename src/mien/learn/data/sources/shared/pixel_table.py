"""Pictures whose pixels are in a CSV file, as in FER2013: each is written as a PNG file, so that it has a path."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mien.learn.data.sources.shared.release_files import Report
from mien.learn.data.sources.shared.splits import SPLIT_NAMES
from mien.learn.data.sources.shared.text_files import records

SIDE = 48
"""Side of the pictures in pixels."""


@dataclass(frozen=True)
class PixelRow:
    """A row of the table.

    Args:
        path: the PNG file that was written.
        split: from the column Usage, or all if there is none.
        label: the label of the row's code.
        first: the name of the first picture with the same pixels.
    """

    path: Path
    split: str
    label: str | None
    first: str


def pixel_rows(table: Path, folder: Path, labels: Sequence[str | None], report: Report) -> Iterator[PixelRow]:
    """Yield the rows of a table with the columns emotion, pixels and, optionally, Usage; write pictures to ``folder``.

    A picture is named by the number of its row, from 0. A row with an unknown code or usage, or without 48 x 48 numbers
    from 0 to 255, is reported and skipped.

    Raises:
        ValueError: if a column is missing.
        OSError: if the table cannot be read or a picture cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    first: dict[bytes, str] = {}
    for line, cells in records(table, report, ("emotion", "pixels"), optional=("Usage",)):
        code, usage = cells["emotion"], cells.get("Usage", "")
        if not code.isdecimal() or int(code) >= len(labels):
            report(f"{table}: line {line}: emotion {code!r} is not from 0 to {len(labels) - 1}")
        elif usage and usage.lower() not in SPLIT_NAMES:
            report(f"{table}: line {line}: unknown usage {usage!r}")
        elif (pixels := _pixels(cells["pixels"])) is None:
            report(f"{table}: line {line}: expected {SIDE} x {SIDE} pixels from 0 to 255")
        else:
            path = folder / f"{line - 2:05d}.png"
            Image.fromarray(pixels).save(path)
            same = first.setdefault(pixels.tobytes(), path.stem)
            yield PixelRow(path, SPLIT_NAMES.get(usage.lower(), "all"), labels[int(code)], same)


def _pixels(text: str) -> np.ndarray | None:
    try:
        values = np.array(text.split(), np.int64)
    except (ValueError, OverflowError):
        return None
    if values.size != math.prod((SIDE, SIDE)) or values.min() < 0 or values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(SIDE, SIDE)
