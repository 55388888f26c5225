"""Heat maps of relatedness as shaded cells in a terminal; needs only the base install."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mien.relatedness.heatmap import HeatMap, shade, text_colour

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def print_heat_map(shown: HeatMap, console: Console) -> None:
    """Print the map as shaded cells, transposed or with fewer columns if the terminal is too narrow.

    Colours depend on what the terminal supports; without colours, only the numbers are printed.
    """
    from rich.table import Table
    from rich.text import Text

    transposed = _table_width(shown.rows, shown.columns) > console.width >= _table_width(shown.columns, shown.rows)
    count = len(shown.columns)
    while not transposed and count > 1 and _table_width(shown.rows, shown.limited(count).columns) > console.width:
        count -= 1
    shown = shown.limited(count)
    lines, heads = (shown.columns, shown.rows) if transposed else (shown.rows, shown.columns)
    table = Table(title=Text(shown.title, "bold"), box=None, padding=0, pad_edge=False)
    table.add_column()
    for head in heads:
        table.add_column(
            Text("\n".join(_folded(head))), justify="center", width=_column_width(head), no_wrap=True, vertical="bottom"
        )
    for at, line in enumerate(lines):
        places = [(other, at) if transposed else (at, other) for other in range(len(heads))]
        cells = [_cell(shown, *place, _column_width(head)) for place, head in zip(places, heads, strict=True)]
        table.add_row(Text(f"{line} "), *cells)
    console.print(table)
    meanings = [("* prototypical: always shown", shown.marked), ("~ no rows counted", shown.faint)]
    for note in (*shown.notes, *(meaning for meaning, cells in meanings if cells.any())):
        console.print(Text(note, "dim"))


def _folded(head: str) -> list[str]:
    """A long column head in lines of up to 9 characters, broken after spaces and punctuation."""
    lines = [""]
    for part in re.split(r"(?<=[_= -])", head):
        if lines[-1] and len(lines[-1] + part) > 9:
            lines.append("")
        lines[-1] += part
    return lines


def _column_width(head: str) -> int:
    """The width of a column in characters."""
    return max(4, *map(len, _folded(head))) + 1


def _table_width(lines: Sequence[str], heads: Sequence[str]) -> int:
    """The width of the table in characters."""
    return max((len(line) for line in lines), default=0) + 1 + sum(map(_column_width, heads))


def _cell(shown: HeatMap, row: int, column: int, width: int) -> Text:
    from rich.text import Text

    text = shown.text(row, column)
    if not text:
        return Text(f"{'·':^{width}}", "dim")
    colour = shade(float(shown.values[row, column]))
    red, green, blue = (round(255 * part) for part in colour)
    mark = "*" if shown.marked[row, column] else "~" if shown.faint[row, column] else ""
    return Text(f"{text + mark:^{width}}", f"{text_colour(colour)} on #{red:02x}{green:02x}{blue:02x}")
