"""Draw where the bundled network is wrong: docs/failures.jpg, from renders, since no photo of FER+ may be shown.

    python tools/weights/failures.py

Of the persons that trained nothing (build/caf-renders, split `valid`): above, for each class the render that is most
surely taken for another; below, for seven action units the render that shows the unit most and is least said to. The
faces are ICT-FaceKit's (MIT, NOTICES).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mien.annotate.model import Model
from mien.learn.data.manifest.manifest import read_manifest
from mien.learn.evaluate.predictions import Predictions, as_given, predict
from mien.overlay.panel import font
from mien.tasks import ACTION_UNITS, EXPRESSION

ROOT = Path(__file__).parents[2]
UNITS = ("AU04", "AU06", "AU07", "AU10", "AU15", "AU20", "AU24")
SIDE, LINE = 168, 22


def classes(found: Predictions) -> list[tuple[int, str]]:
    """Of each class the row that is most surely wrong, and what to say of it."""
    told, labels = found.outputs[EXPRESSION.name], found.labels[EXPRESSION.name]
    known = found.mask[EXPRESSION.name]
    rows = []
    for index, label in enumerate(EXPRESSION.labels):
        wrong = np.flatnonzero(known & (labels == index) & (told.argmax(1) != index))
        if len(wrong):
            row = int(wrong[told[wrong].max(1).argmax()])
            rows.append((row, f"{label}|read as {EXPRESSION.labels[told[row].argmax()]} {told[row].max():.2f}"))
    return rows


def units(found: Predictions) -> list[tuple[int, str]]:
    """Of each unit the row that shows it and is least said to."""
    told = found.outputs[ACTION_UNITS.name]
    rows = []
    for unit in UNITS:
        at = ACTION_UNITS.labels.index(unit)
        shown = found.rows[f"{unit}_intensity"].to_numpy(zero_copy_only=False) >= 3
        if shown.any():
            row = int(np.flatnonzero(shown)[told[shown, at].argmin()])
            rows.append(
                (row, f"{unit}, {found.rows[f'{unit}_intensity'][row].as_py():.1f} of 5|read as {told[row, at]:.2f}")
            )
    return rows


def main() -> None:
    model, rows = Model(), read_manifest(ROOT / "build/caf-renders").split("valid")
    found = predict(model, model.tasks, rows)
    lines = [classes(found), units(found)]
    sheet = Image.new("RGB", (SIDE * max(map(len, lines)), (SIDE + 2 * LINE) * len(lines)), "white")
    draw = ImageDraw.Draw(sheet)
    for down, line in enumerate(lines):
        for across, (row, words) in enumerate(line):
            crop = as_given(_tensor(rows, row))[0]
            left, top = across * SIDE, down * (SIDE + 2 * LINE)
            sheet.paste(
                Image.fromarray(crop).resize((SIDE - 4, SIDE - 4), Image.Resampling.LANCZOS), (left + 2, top + 2)
            )
            for below, text in enumerate(words.split("|")):
                draw.text((left + 6, top + SIDE + below * (LINE - 4)), text, "black", font(13))
    sheet.save(ROOT / "docs/failures.jpg", quality=88)


def _tensor(rows: object, row: int) -> object:
    import torch

    return torch.from_numpy(np.ascontiguousarray(rows.images(np.array([row]))))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
