"""A relatedness as CSV that a person can write in a spreadsheet: a row a class, a column an attribute.

::

    # attributes,action_units
    # source,a look at fifty photos
    expression,AU01,AU12,AU25
    happiness,,1*,0.9
    surprise,0.8,,1*

- The first cell of the header is the name of the task of the classes; ``# attributes`` above it names that of the
  columns. ``# source`` says where the numbers come from; without it, the file's name stands there.
- A cell is a number in [0, 1]; an empty one is 0; ``1*`` marks a prototypical attribute (``*`` alone will do).
- After a row ``# support``, header and rows come again with the number of rows that each cell was counted over.
- Other rows above the header that begin with ``#`` are remarks. Empty rows, empty cells at the end of a row and spaces
  around a cell mean nothing. Semicolons or tabs between the cells, with decimal commas, are understood too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

ATTRIBUTES, SOURCE, SUPPORT = "# attributes", "# source", "# support"


class CsvError(ValueError):
    """A CSV is no relatedness, or a relatedness does not fit into one; one line with the row and the column."""


def write_csv(data: Mapping[str, Any]) -> str:
    """The text for the data of ``Relatedness.to_dict``; every number comes back as it was.

    Raises:
        CsvError: for a name that would be read back as another one.
    """
    names = [data["classes"], data["attributes"], *data["class_labels"], *data["attribute_labels"]]
    for name in (*names, data["source"]):
        if name != name.strip() or (name in names and (not name or name.startswith("#"))):
            raise CsvError(f"the name {name!r} does not fit into a CSV (write .json)")
    header = [data["classes"], *data["attribute_labels"]]
    rows = [[ATTRIBUTES, data["attributes"]], [SOURCE, data["source"]], header]
    for label, weights, always in zip(data["class_labels"], data["weights"], data["prototypical"], strict=True):
        rows.append([label, *(_shown(weight) + "*" * mark for weight, mark in zip(weights, always, strict=True))])
    if data["support"] is not None:
        counted = zip(data["class_labels"], data["support"], strict=True)
        rows += [[SUPPORT], header, *([label, *map(str, counts)] for label, counts in counted)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def read_csv(text: str, source: str) -> dict[str, Any]:
    """The data for ``Relatedness.from_dict``.

    Args:
        text: of the file.
        source: what stands for a missing ``# source``.

    Raises:
        CsvError: naming the row and the column, or the part that is missing.
    """
    rows, comma = _cells(text)
    metadata, table, support = _parts(rows)
    if ATTRIBUTES not in metadata:
        raise CsvError(f"the task of the columns is not named: put a row '{ATTRIBUTES}' with its name above the table")
    header, labels = table[0], [row[0] for row in table[1:]]
    cells = [[_weight(cell, _place(row, header, at), comma) for at, cell in _body(row, header)] for row in table[1:]]
    counts = None
    if support is not None:
        if [row[0] for row in support] != [row[0] for row in table] or support[0] != header:
            raise CsvError(f"below {SUPPORT} must stand the header and the classes of the table again, in their order")
        counts = [[_count(cell, _place(row, header, at)) for at, cell in _body(row, header)] for row in support[1:]]
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


def _cells(text: str) -> tuple[list[list[str]], bool]:
    """Rows that hold anything, without empty cells at their ends; and whether numbers may have decimal commas."""
    for delimiter in (",", ";", "\t"):
        try:
            parsed = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
        except csv.Error as error:
            raise CsvError(f"not a CSV ({error})") from None
        rows = [row[: max((at for at, cell in enumerate(row, 1) if cell), default=0)] for row in parsed]
        rows = [row for row in rows if row]
        header = next((row for row in rows if not row[0].startswith("#")), [])
        if len(header) > 1:
            return rows, delimiter != ","
    raise CsvError("no header: the first row must name the task of the classes and then each attribute")


def _parts(rows: Sequence[list[str]]) -> tuple[dict[str, str], list[list[str]], list[list[str]] | None]:
    """What stands above the table, the table, and the table of the support, each with its header."""
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
        raise CsvError("no class: nothing stands below the header")
    if support == []:
        raise CsvError(f"nothing stands below {SUPPORT}")
    return metadata, table, support


def _body(row: Sequence[str], header: Sequence[str]) -> list[tuple[int, str]]:
    """Column and cell for each attribute; cells that are left out at the end are empty."""
    if not row[0]:
        raise CsvError(f"a row has no class: {', '.join(row)[:60]}")
    if len(row) > len(header):
        raise CsvError(f"row {row[0]} has {len(row)} cells, the header {len(header)}")
    return [(at, row[at] if at < len(row) else "") for at in range(1, len(header))]


def _place(row: Sequence[str], header: Sequence[str], at: int) -> str:
    return f"row {row[0]}, column {header[at]}"


def _weight(cell: str, place: str, comma: bool) -> tuple[float, bool]:
    always = cell.endswith("*")
    number = cell.removesuffix("*").strip() or ("1" if always else "0")
    try:
        weight = float(number.replace(",", ".") if comma else number)
    except ValueError:
        raise CsvError(f"{place}: {cell!r} is no number in [0, 1]") from None
    if not 0 <= weight <= 1:
        raise CsvError(f"{place}: {cell!r} is no number in [0, 1]")
    if always and weight != 1:
        raise CsvError(f"{place}: {cell!r}: a prototypical attribute has weight 1")
    return weight, always


def _count(cell: str, place: str) -> int:
    if not (cell or "0").isdecimal():
        raise CsvError(f"{place}, below {SUPPORT}: {cell!r} is no number of rows")
    return int(cell or "0")


def _shown(weight: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(weight)) if weight == int(weight) else repr(weight)
