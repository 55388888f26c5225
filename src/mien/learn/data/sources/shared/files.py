"""What readers of data sets have in common: files that must be there, text that may be zipped, ragged rows.

A reader is a module of this package with

- ``TASKS``: the label space of its rows;
- ``METADATA``: source, licence, release, and which labels are weak and why; JSON-ready;
- ``read(root, fault, **options)``: yields manifest rows (see :mod:`mien.learn.data.manifest.manifest`), one at a time, so that a
  set of millions of frames needs no memory for them. ``fault`` is told what cannot be used; the rest goes on.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

Fault = Callable[[str], None]
"""Told one line for each thing that cannot be used: the file, the row, the value and the reason."""


def required(root: Path, *choices: str | Sequence[str]) -> list[Path]:
    """The files or folders of a release below ``root``, the first one there of each choice of names.

    A name may be a glob pattern; of several matches the first in order counts.

    Raises:
        FileNotFoundError: naming all that was looked for and not found.
    """
    found, missing = [], []
    for names in ((choice,) if isinstance(choice, str) else tuple(choice) for choice in choices):
        place = next((place for name in names for place in sorted(root.glob(name))), None)
        if place is None:
            missing.append(" or ".join(names))
        else:
            found.append(place)
    if missing:
        raise FileNotFoundError(f"{root}: not the folder of this data set: {', '.join(missing)} not found")
    return found


def lines(path: Path, fault: Fault = lambda _: None) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line that is not blank, of a text file or of a ``.gz`` of one.

    The text is UTF-8 with or without a byte order mark; what is none is read as Latin-1. A file that ends too early is
    a fault, and its lines up to there are given.

    Raises:
        OSError: if it cannot be opened.
    """
    raw = path.open("rb")
    file = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
    with raw, file:
        number = 0
        try:
            for number, line in enumerate(file, 1):
                if (text := _decoded(line, first=number == 1).strip("\r\n")) and text.strip():
                    yield number, text
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            fault(f"{path}: line {number + 1}: the file is cut short or damaged ({error})")


def records(
    path: Path, fault: Fault, columns: Sequence[str], delimiter: str = ","
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by column of a table with a header; rows with too few cells are faults.

    Args:
        path: of a text file or a ``.gz`` of one.
        fault: told of each row that cannot be used.
        columns: that must be there; compared without case and surrounding blanks, given as they are written here.
        delimiter: between cells.

    Raises:
        ValueError: if a column is missing.
        OSError: if the file cannot be opened.
    """
    numbered = lines(path, fault)
    header = next(csv.reader([text for _, text in [next(numbered, (0, ""))]], delimiter=delimiter), [])
    places = {name.strip().lower(): place for place, name in enumerate(header)}
    if missing := [name for name in columns if name.lower() not in places]:
        raise ValueError(f"{path}: has no column {', '.join(missing)} (it has {', '.join(header) or 'none'})")
    own = {name.lower(): name for name in columns}
    for number, text in numbered:
        cells = next(csv.reader([text], delimiter=delimiter))
        if len(cells) < len(header):
            fault(f"{path}: line {number}: {len(cells)} cells, expected {len(header)}")
            continue
        yield number, {own.get(name, name): cells[place].strip() for name, place in places.items()}


def number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def inside(root: Path, name: str) -> Path:
    """The path of a picture that a file of the release names, with either kind of slash, below ``root``."""
    return root / PurePosixPath(name.strip().strip('"').replace("\\", "/").lstrip("/"))


def _decoded(line: bytes, *, first: bool) -> str:
    try:
        return line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
