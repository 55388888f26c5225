"""Whole pictures: scale each labelled picture to one size and pack it, without looking for faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageOps

from mien.faces.detect import Pixels
from mien.learn.data.pack.write import Row, begin, each, finish
from mien.tasks import Task

Fit = Literal["squash", "crop", "pad"]


def fitted(picture: Pixels, side: int, *, fit: Fit = "squash", grey: bool = False) -> Pixels:
    """A picture of side x side x 3, or x 1 if grey (Rec. 601 luma), scaled with antialiasing.

    Args:
        picture: H x W x 3 uint8.
        side: of the result, in pixels.
        fit: what to do if it is no square: ``squash`` changes its proportions, ``crop`` cuts the middle out of the
            longer side, ``pad`` adds black beside the shorter one.
        grey: keep the brightness only.
    """
    image = Image.fromarray(picture)
    image = image.convert("L") if grey else image
    size, sampling = (side, side), Image.Resampling.BICUBIC
    if fit == "crop":
        image = ImageOps.fit(image, size, sampling)
    elif fit == "pad":
        image = ImageOps.pad(image, size, sampling)
    else:
        image = image.resize(size, sampling)
    return np.asarray(image).reshape(side, side, -1)


def pack(
    rows: Sequence[Row],
    read: Callable[[Row], Pixels],
    out: Path,
    *,
    side: int,
    tasks: Sequence[Task],
    metadata: dict[str, Any],
    grey: bool = False,
    fit: Fit = "squash",
    advance: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Write ``out/manifest.parquet`` and ``out/crops.npy``; return one line for each picture that was left out.

    Args:
        rows: label columns of each picture (see :mod:`mien.learn.data.manifest.manifest`); ``path`` names it in messages.
        read: gives the H x W x 3 uint8 picture of a row, or raises MediaError or OSError.
        out: folder, made if need be.
        side: of the packed pictures, in pixels.
        tasks: the label space of the rows.
        metadata: goes into the manifest's metadata: source, licence, what is weak.
        grey: keep one channel only.
        fit: see :func:`fitted`.
        advance: called with 1 after each picture, for a progress bar.

    Raises:
        ManifestError: if there are no rows, or a label is out of its range or vocabulary.
    """
    crops = begin(out, rows, tasks, metadata, (side, side, 1 if grey else 3))

    def use(index: int, picture: Pixels) -> None:
        crops[index] = fitted(picture, side, fit=fit, grey=grey)

    failures = each(rows, read, use, advance)
    kept = [{**row, "crop": index} for index, row in enumerate(rows) if index not in failures]
    finish(out, crops, kept, tasks, metadata)
    return [failures[index] for index in sorted(failures)]
