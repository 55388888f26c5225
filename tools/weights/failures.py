"""Draw the worst errors of the bundled network: docs/failures.jpg, on renders, because FER+ photos may not be shown.

The renders show people who are not in the training set (build/caf-renders, split `valid`). The upper row has, for each
class, the render that is most confidently mistaken for another class; the lower row, for seven action units, the
render with the lowest prediction among those that clearly show the unit. The faces are ICT-FaceKit's (MIT, NOTICES).

    python tools/weights/failures.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from mien.annotate.model import Model
from mien.learn.data.manifest import read_manifest
from mien.learn.evaluate.predictions import Predictions, as_given, predict
from mien.overlay.panel import font
from mien.tasks import ACTION_UNITS, EXPRESSION

ROOT = Path(__file__).parents[2]
UNITS = ("AU04", "AU06", "AU07", "AU10", "AU15", "AU20", "AU24")
SIDE, LINE = 168, 22


def classes(found: Predictions) -> list[tuple[int, str]]:
    """For each class the row with the most confident error, and its caption."""
    predicted, labels = found.outputs[EXPRESSION.name], found.labels[EXPRESSION.name]
    known = found.mask[EXPRESSION.name]
    rows = []
    for index, label in enumerate(EXPRESSION.labels):
        wrong = np.flatnonzero(known & (labels == index) & (predicted.argmax(1) != index))
        if len(wrong):
            row = int(wrong[predicted[wrong].max(1).argmax()])
            likeliest = EXPRESSION.labels[predicted[row].argmax()]
            rows.append((row, f"{label}|read as {likeliest} {predicted[row].max():.2f}"))
    return rows


def units(found: Predictions) -> list[tuple[int, str]]:
    """For each unit the row with the lowest prediction among those that show it, and its caption."""
    predicted = found.outputs[ACTION_UNITS.name]
    rows = []
    for unit in UNITS:
        at = ACTION_UNITS.labels.index(unit)
        intensity = found.rows[f"{unit}_intensity"].to_numpy(zero_copy_only=False)
        shown = intensity >= 3
        if shown.any():
            row = int(np.flatnonzero(shown)[predicted[shown, at].argmin()])
            rows.append((row, f"{unit}, {intensity[row]:.1f} of 5|read as {predicted[row, at]:.2f}"))
    return rows


def main() -> None:
    model, rows = Model(), read_manifest(ROOT / "build/caf-renders").split("valid")
    found = predict(model, model.tasks, rows)
    lines = [classes(found), units(found)]
    sheet = Image.new("RGB", (SIDE * max(map(len, lines)), (SIDE + 2 * LINE) * len(lines)), "white")
    draw = ImageDraw.Draw(sheet)
    for down, line in enumerate(lines):
        for across, (row, words) in enumerate(line):
            crop = as_given(torch.from_numpy(np.ascontiguousarray(rows.images(np.array([row])))))[0]
            left, top = across * SIDE, down * (SIDE + 2 * LINE)
            sheet.paste(
                Image.fromarray(crop).resize((SIDE - 4, SIDE - 4), Image.Resampling.LANCZOS), (left + 2, top + 2)
            )
            for below, text in enumerate(words.split("|")):
                draw.text((left + 6, top + SIDE + below * (LINE - 4)), text, "black", font(13))
    sheet.save(ROOT / "docs/failures.jpg", quality=88)


if __name__ == "__main__":
    main()
