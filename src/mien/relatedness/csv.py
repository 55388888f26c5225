"""Tables of relatedness as CSV, as a spreadsheet writes it: one row per class, one column per attribute.

::

    # attributes,action_units
    # source,fifty photos
    expression,AU01,AU12,AU25
    happiness,,1*,0.9
    surprise,0.8,,1*

- The first cell of the header is the name of the class task; ``# attributes`` above it names the attribute task.
  ``# source`` says where the numbers come from; the default is the name of the file.
- A cell is a number in [0, 1]; an empty cell is 0; ``1*``, or just ``*``, marks a prototypical attribute.
- Below a row ``# support``, the header and the rows are repeated with the number of rows behind each cell.
- Other rows above the header that start with ``#`` are comments. Empty rows, empty cells at the end of a row and spaces
  around a cell are ignored. Semicolons or tabs as separators, with decimal commas, are read too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

ATTRIBUTES, SOURCE, SUPPORT = "# attributes", "# source", "# support"


class CsvError(ValueError):
    """A CSV file is not a table, or a table does not fit into one; the message is one line with row and column."""


def write_csv(data: Mapping[str, Any]) -> str:
    """The CSV text for the data of ``Relatedness.to_dict``; numbers are written exactly.

    Raises:
        CsvError: for a name that would not be read back unchanged.
    """
    names = [data["classes"], data["attributes"], *data["class_labels"], *data["attribute_labels"]]
    for name in (*names, data["source"]):
        if name != name.strip() or (name in names and (not name or name.startswith("#"))):
            raise CsvError(f"the name {name!r} does not fit into a CSV file (use .json)")
    header = [data["classes"], *data["attribute_labels"]]
    rows = [[ATTRIBUTES, data["attributes"]], [SOURCE, data["source"]], header]
    for label, weights, always in zip(data["class_labels"], data["weights"], data["prototypical"], strict=True):
        rows.append([label, *(_exact(weight) + "*" * mark for weight, mark in zip(weights, always, strict=True))])
    if data["support"] is not None:
        counted = zip(data["class_labels"], data["support"], strict=True)
        rows += [[SUPPORT], header, *([label, *map(str, counts)] for label, counts in counted)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_csv(text: str, source: str) -> dict[str, Any]:
    """The data for ``Relatedness.from_dict``.

    Args:
        text: the content of the file.
        source: used if there is no ``# source``.

    Raises:
        CsvError: with the row and the column, or the part that is missing.
    """
    rows, comma = _parse(text)
    metadata, table, support = _split(rows)
    if ATTRIBUTES not in metadata:
        raise CsvError(f"the attribute task is not named: add a row '{ATTRIBUTES}' with its name above the table")
    header, labels = table[0], [row[0] for row in table[1:]]
    cells = [[_weight(cell, _place(row, header, at), comma) for at, cell in _cells(row, header)] for row in table[1:]]
    counts = None
    if support is not None:
        if [row[0] for row in support] != [row[0] for row in table] or support[0] != header:
            raise CsvError(f"below {SUPPORT}, the header and the classes must be repeated in the same order")
        counts = [[_count(cell, _place(row, header, at)) for at, cell in _cells(row, header)] for row in support[1:]]
    return {
        "classes": header[0],
        "attributes": metadata[ATTRIBUTES],
        "class_labels": labels,
        "attribute_labels": header[1:],
        "weights": [[weight for weight, _ in row] for row in cells],
        "prototypical": [[always for _, always in row] for row in cells],
        "source": metadata.get(SOURCE, source),
        "support": counts,
    }


def _parse(text: str) -> tuple[list[list[str]], bool]:
    """The rows that are not empty, without empty cells at their ends; and whether numbers may have decimal commas."""
    for delimiter in (",", ";", "\t"):
        try:
            parsed = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
        except csv.Error as error:
            raise CsvError(f"not a CSV file ({error})") from None
        rows = [row[: max((at for at, cell in enumerate(row, 1) if cell), default=0)] for row in parsed]
        rows = [row for row in rows if row]
        header = next((row for row in rows if not row[0].startswith("#")), [])
        if len(header) > 1:
            return rows, delimiter != ","
    raise CsvError("no header: the first row must name the class task, then each attribute")


def _split(rows: Sequence[list[str]]) -> tuple[dict[str, str], list[list[str]], list[list[str]] | None]:
    """The metadata above the table, the table, and the table of the support; both tables with their header."""
    start = next(at for at, row in enumerate(rows) if not row[0].startswith("#"))
    metadata = {row[0]: row[1] for row in rows[:start] if len(row) > 1}
    table = rows[start:]
    split = next((at for at, row in enumerate(table) if row[0] == SUPPORT), None)
    support = None if split is None else [*table[split + 1 :]]
    table = [*table[:split]]
    for at, name in enumerate(table[0]):
        if not name:
            raise CsvError(f"column {at + 1} of the header has no name")
    if len(table) == 1:
        raise CsvError("no classes below the header")
    if support == []:
        raise CsvError(f"no rows below {SUPPORT}")
    return metadata, table, support


def _cells(row: Sequence[str], header: Sequence[str]) -> list[tuple[int, str]]:
    """The column and the cell of each attribute; missing cells at the end are empty."""
    if not row[0]:
        raise CsvError(f"a row has no class: {', '.join(row)[:60]}")
    if len(row) > len(header):
        raise CsvError(f"row {row[0]} has {len(row)} cells, but the header has {len(header)}")
    return [(at, row[at] if at < len(row) else "") for at in range(1, len(header))]


def _place(row: Sequence[str], header: Sequence[str], at: int) -> str:
    return f"row {row[0]}, column {header[at]}"


def _weight(cell: str, place: str, comma: bool) -> tuple[float, bool]:
    always = cell.endswith("*")
    number = cell.removesuffix("*").strip() or ("1" if always else "0")
    try:
        weight = float(number.replace(",", ".") if comma else number)
    except ValueError:
        weight = float("nan")
    if not 0 <= weight <= 1:
        raise CsvError(f"{place}: {cell!r} is not a number in [0, 1]")
    if always and weight != 1:
        raise CsvError(f"{place}: {cell!r}: a prototypical attribute has weight 1")
    return weight, always


def _count(cell: str, place: str) -> int:
    if not (cell or "0").isdecimal():
        raise CsvError(f"{place}, below {SUPPORT}: {cell!r} is not a number of rows")
    return int(cell or "0")


def _exact(weight: float) -> str:
    """The shortest text that is read back as the same number."""
    return str(int(weight)) if weight == int(weight) else repr(weight)
