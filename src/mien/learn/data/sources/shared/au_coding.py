"""Tables of action units, a row a frame, as the laboratories' databases (BP4D, BP4D+, GFT) have them."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.files import Fault, lines, number
from mien.tasks import ACTION_UNITS

MAX_INTENSITY = 5
"""FACS grades an action unit from A to E; here 1 to 5, and 0 where it is absent."""


def unit(au: int) -> str | None:
    """The label of an action unit, such as AU06; None if it is not in our label space."""
    name = f"AU{au:02d}"
    return name if name in ACTION_UNITS.labels else None


def occurrences(path: Path, fault: Fault, *, missing: Collection[float] = (9,)) -> Iterator[tuple[int, Row]]:
    """Frame as the table counts it, and ``AUxx`` 1, 0 or None, of each row of a table of presence.

    The first line is the head: the frame's column first (or called frame), then the numbers of the units, as ``6``,
    ``06``, ``AU6`` or ``AU06``; columns of other names or of units that are not in our label space are passed over. A
    cell with another value is a fault and null; a row that is too short, has no frame number or one that was there
    already is a fault and left out.

    Args:
        path: of a text file or a ``.gz`` of one; cells are parted by commas, semicolons or tabs.
        fault: told what cannot be used.
        missing: values that mean "not coded"; an empty cell and NaN mean it too.
    """
    numbered = lines(path, fault)
    _, head = next(numbered, (0, ""))
    delimiter = next((sign for sign in ",;\t" if sign in head), ",")
    names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
    frame_at = next((place for place, name in enumerate(names) if name.lower().startswith("frame")), 0)
    units = {place: label for place, name in enumerate(names) if place != frame_at and (label := _label(name))}
    if not units:
        fault(f"{path}: the first line names no action unit that we know")
        return
    seen: set[int] = set()
    for line, text in numbered:
        cells = next(csv.reader([text], delimiter=delimiter))
        frame = number(cells[frame_at]) if len(cells) >= len(names) else None
        if frame is None or frame < 0 or frame != int(frame):
            fault(f"{path}: line {line}: no frame number, or fewer than {len(names)} cells")
        elif int(frame) in seen:
            fault(f"{path}: line {line}: frame {int(frame)} stands there twice")
        else:
            seen.add(int(frame))
            values = {label: _presence(cells[place], missing) for place, label in units.items()}
            for label in (label for label, value in values.items() if value not in (0.0, 1.0, None)):
                text = next(cells[place] for place, name in units.items() if name == label)
                fault(f"{path}: line {line}: {label} is {text.strip()!r}, expected 0 or 1")
                values[label] = None
            yield int(frame), values


def intensities(path: Path, fault: Fault, *, first: int = 0) -> dict[int, float]:
    """Frame -> intensity, 0 to 5, of a file without a head whose lines are ``frame, intensity``; 9 is not coded.

    Args:
        path: of a text file or a ``.gz`` of one.
        fault: told of each line that cannot be used.
        first: the lowest frame number there can be.
    """
    found: dict[int, float] = {}
    for line, text in lines(path, fault):
        cells = [number(cell) for cell in re.split(r"[,;\s]+", text.strip())]
        frame, value = cells[0], cells[1] if len(cells) > 1 else None
        if line == 1 and frame is None:
            continue  # a head, in some copies
        if frame is None or value is None or frame < first or frame != int(frame):
            fault(f"{path}: line {line}: {text.strip()!r} is not a frame and an intensity")
        elif int(frame) in found:
            fault(f"{path}: line {line}: frame {int(frame)} stands there twice")
        elif value == 9:
            continue
        elif 0 <= value <= MAX_INTENSITY:
            found[int(frame)] = value
        else:
            fault(f"{path}: line {line}: intensity {value:g} is outside 0 to {MAX_INTENSITY}")
    return found


def _label(name: str) -> str | None:
    found = re.fullmatch(r"(?:AU)?[ _]?(\d{1,2})(?:_c)?", name, re.IGNORECASE)
    return unit(int(found[1])) if found else None


def _presence(cell: str, missing: Collection[float]) -> float | None:
    """The number in the cell, NaN if there is none, None if it means "not coded"."""
    text = cell.strip().lower()
    value = number(text)
    if text in ("", "nan") or value in missing:
        return None
    return math.nan if value is None else value
