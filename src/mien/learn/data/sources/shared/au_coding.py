"""Tables of action units with one row per frame, as in BP4D, BP4D+, DISFA and GFT."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.release_files import Report
from mien.learn.data.sources.shared.text_files import lines, number
from mien.tasks import ACTION_UNITS

MAX_INTENSITY = 5
"""FACS grades action units from A to E: here 1 to 5, and 0 if absent."""


def au_label(au: int) -> str | None:
    """Return the label of an action unit, such as AU06, or None if it is not in our label space."""
    name = f"AU{au:02d}"
    return name if name in ACTION_UNITS.labels else None


def occurrences(path: Path, report: Report, *, missing: Collection[float] = (9,)) -> Iterator[tuple[int, Row]]:
    """Yield frame, as numbered in the table, and ``AUxx`` 1, 0 or None, of each row of a table of presence.

    The first line is the header: the column of the frame first (or called frame), then the numbers of the units, as
    ``6``, ``06``, ``AU6`` or ``AU06``; other columns, and units that are not in our label space, are ignored. A cell
    with another value is reported and becomes null; a row that is too short, or has no frame number or a duplicate one,
    is reported and skipped.

    Args:
        path: a text file or its ``.gz``; cells are separated by commas, semicolons or tabs.
        report: called with a line for each unusable cell or row.
        missing: values that mean "not coded"; so do an empty cell and NaN.
    """
    numbered = lines(path, report)
    _, header = next(numbered, (0, ""))
    delimiter = next((sign for sign in ",;\t" if sign in header), ",")
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    frame_at = next((place for place, name in enumerate(names) if name.lower().startswith("frame")), 0)
    units = {place: label for place, name in enumerate(names) if place != frame_at and (label := _label(name))}
    if not units:
        report(f"{path}: no known action unit in the first line")
        return
    seen: set[int] = set()
    for line, text in numbered:
        cells = next(csv.reader([text], delimiter=delimiter))
        frame = number(cells[frame_at]) if len(cells) >= len(names) else None
        if frame is None or frame < 0 or frame != int(frame):
            report(f"{path}: line {line}: no frame number, or fewer than {len(names)} cells")
        elif int(frame) in seen:
            report(f"{path}: line {line}: duplicate frame {int(frame)}")
        else:
            seen.add(int(frame))
            values = {label: _presence(cells[place], missing) for place, label in units.items()}
            for label in (label for label, value in values.items() if value not in (0.0, 1.0, None)):
                text = next(cells[place] for place, name in units.items() if name == label)
                report(f"{path}: line {line}: {label} is {text.strip()!r}, expected 0 or 1")
                values[label] = None
            yield int(frame), values


def intensities(path: Path, report: Report, *, first: int = 0) -> dict[int, float]:
    """Return frame -> intensity, 0 to 5, of a file without header whose lines are ``frame, intensity``; 9 is not coded.

    Args:
        path: a text file or its ``.gz``.
        report: called with a line for each unusable line.
        first: the lowest possible frame number.
    """
    found: dict[int, float] = {}
    for line, text in lines(path, report):
        cells = [number(cell) for cell in re.split(r"[,;\s]+", text.strip())]
        frame, value = cells[0], cells[1] if len(cells) > 1 else None
        if line == 1 and frame is None:
            continue  # some copies have a header
        if frame is None or value is None or frame < first or frame != int(frame):
            report(f"{path}: line {line}: {text.strip()!r} is not a frame and an intensity")
        elif int(frame) in found:
            report(f"{path}: line {line}: duplicate frame {int(frame)}")
        elif value == 9:
            continue
        elif 0 <= value <= MAX_INTENSITY:
            found[int(frame)] = value
        else:
            report(f"{path}: line {line}: intensity {value:g} is outside 0 to {MAX_INTENSITY}")
    return found


def _label(name: str) -> str | None:
    found = re.fullmatch(r"(?:AU)?[ _]?(\d{1,2})(?:_c)?", name, re.IGNORECASE)
    return au_label(int(found[1])) if found else None


def _presence(cell: str, missing: Collection[float]) -> float | None:
    """Return the number in the cell, NaN if it is not a number, None if it means "not coded"."""
    text = cell.strip().lower()
    value = number(text)
    if text in ("", "nan") or value in missing:
        return None
    return math.nan if value is None else value
