"""Text files of a release: their lines, tables with or without a header, and the numbers in their cells."""

from __future__ import annotations

import csv
import gzip
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from mien.learn.data.sources.shared.release_files import Report


def lines(path: Path, report: Report = lambda _: None) -> Iterator[tuple[int, str]]:
    """Yield number (from 1) and text of each line that is not blank, of a text file or its ``.gz``.

    The text is UTF-8 with or without a byte order mark; lines that are not are read as Latin-1. A truncated file is
    reported, and its lines up to that point are yielded.

    Raises:
        OSError: if the file cannot be opened.
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
            report(f"{path}: line {number + 1}: the file is truncated or damaged ({error})")


def records(
    path: Path,
    report: Report,
    columns: Sequence[str],
    *,
    optional: Sequence[str] = (),
    delimiter: str = ",",
    header_optional: bool = False,
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells by column of a table; rows with too few cells are reported.

    The header defines where the columns are. Names are compared by their letters and digits, regardless of case.

    Args:
        path: a text file or its ``.gz``.
        report: called with a line for each unusable row.
        columns: the required columns; cells are returned under these names, other columns are dropped.
        optional: columns that are returned if the header has them.
        delimiter: the separator of cells.
        header_optional: whether the header may be missing: then the cells are ``columns``, in this order. A first line
            is a header if it has the name of the first column.

    Raises:
        ValueError: if the header lacks a column.
        OSError: if the file cannot be opened.
    """
    numbered: Iterator[tuple[int, list[str]]] = ((line, _cells(text, delimiter)) for line, text in lines(path, report))
    head = next(numbered, None)
    header = [plain(cell) for cell in head[1]] if head else []
    if header_optional and plain(columns[0]) not in header:
        header, numbered = [plain(name) for name in columns], chain([head] if head else [], numbered)
    if missing := [name for name in columns if plain(name) not in header]:
        there = ", ".join(head[1]) if head else "none"
        raise ValueError(f"{path}: has no column {', '.join(missing)} (it has {there})")
    places = {name: header.index(plain(name)) for name in (*columns, *optional) if plain(name) in header}
    for line, cells in numbered:
        if len(cells) < len(header):
            report(f"{path}: line {line}: {len(cells)} cells, expected {len(header)}")
        else:
            yield line, {name: cells[place].strip() for name, place in places.items()}


def number(text: str) -> float | None:
    """Return a finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def within(text: str, low: float = -1.0, high: float = 1.0) -> float:
    """Return the number in a cell.

    Raises:
        ValueError: if the cell is not a number or outside [low, high]; the message is ready for a report.
    """
    value = number(text)
    if value is None:
        raise ValueError(f"{text!r} is not a number")
    if not low <= value <= high:
        raise ValueError(f"{text} is outside [{low:g}, {high:g}]")
    return value


def whole_number(text: str, low: int, high: int) -> int:
    """Return the whole number in a cell.

    Raises:
        ValueError: if the cell is not a whole number or outside [low, high]; the message is ready for a report.
    """
    value = within(text, low, high)
    if value != int(value):
        raise ValueError(f"{text} is not a whole number")
    return int(value)


def plain(name: str) -> str:
    """Return the letters and digits of a name, in lower case: ``'AU 1'`` and ``AU1`` are equal."""
    return re.sub(r"[\W_]", "", name).lower()


def _cells(text: str, delimiter: str) -> list[str]:
    """Split one line; a quote that is never closed is an ordinary character."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return text.split(delimiter)


def _decoded(line: bytes, *, first: bool) -> str:
    try:
        return line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
