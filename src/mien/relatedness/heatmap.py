"""Heat maps of relatedness: shaded cells in a terminal, and a PNG.

The terminal needs the base install only; the PNG needs matplotlib, which is imported where it is drawn.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.relatedness.difference import Difference
from mien.relatedness.inference import distinctiveness, informativeness
from mien.relatedness.table import Relatedness
from mien.tasks import groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console
    from rich.text import Text

Colour = tuple[float, float, float]

RAMP: tuple[Colour, ...] = ((250, 251, 252), (205, 228, 232), (120, 184, 200), (38, 121, 156), (16, 62, 104))
"""0 to 1, red, green and blue in [0, 255]: from almost white to deep blue, ever darker."""
LOSS: tuple[Colour, ...] = (RAMP[0], (250, 214, 178), (240, 158, 94), (200, 92, 34), (122, 46, 12))
"""0 to -1 in a difference."""
INK, GREY, ACCENT = "#1c2733", "#6b7783", "#e8590c"
WIDEST = 60
"""So many columns a picture has at most."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A table of numbers that is looked at.

    Args:
        title: one line.
        rows, columns: labels.
        values: R x C in [0, 1], or in [-1, 1] if ``signed``.
        marked: R x C bool, prototypical cells.
        faint: R x C bool, cells that carry no count of their own.
        notes: what stands below, each a sentence.
        signed: whether the values are differences.
        rank: C numbers; the columns of the highest are kept where there is no room for all.
    """

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    marked: NDArray[np.bool_]
    faint: NDArray[np.bool_]
    notes: tuple[str, ...]
    signed: bool
    rank: NDArray[np.float64]

    def text(self, row: int, column: int) -> str:
        """Two digits; empty for 0."""
        value = self.values[row, column]
        sign = ("-" if value < 0 else "+") if self.signed else ""
        digits = f"{abs(value):.2f}"
        return "" if value == 0 else sign + ("1" if digits == "1.00" else digits[1:])

    def widest(self, columns: int) -> HeatMap:
        """With at most so many columns, the highest in ``rank``, in their order; a note says so."""
        if columns >= len(self.columns):
            return self
        kept = np.sort(np.argsort(-self.rank, kind="stable")[: max(columns, 1)])
        most = "that differ most" if self.signed else "that tell most about the class"
        return HeatMap(
            self.title,
            self.rows,
            tuple(self.columns[at] for at in kept),
            self.values[:, kept],
            self.marked[:, kept],
            self.faint[:, kept],
            (*self.notes, f"{len(kept)} of {len(self.columns)} attributes: those {most}"),
            self.signed,
            self.rank[kept],
        )


def heat_map(relatedness: Relatedness, most: int = 30) -> HeatMap:
    """What to look at in a table.

    Args:
        relatedness: the table.
        most: with more classes than this, only so many are taken: those whose attributes differ most from the
            overall rates, in the table's order. A note says so.
    """
    rows = np.arange(len(relatedness.class_labels))
    notes: tuple[str, ...] = (relatedness.source,) if relatedness.source else ()
    if len(rows) > most:
        rows = np.sort(np.argsort(-distinctiveness(relatedness), kind="stable")[:most])
        notes = (*notes, f"{most} of {len(relatedness.class_labels)} classes: those whose attributes stand out most")
    faint = np.zeros(relatedness.weights.shape, bool) if relatedness.support is None else relatedness.support == 0
    return HeatMap(
        f"{relatedness.attributes} of each {relatedness.classes}".replace("_", " "),
        tuple(relatedness.class_labels[row] for row in rows),
        relatedness.attribute_labels,
        relatedness.weights[rows],
        relatedness.prototypical[rows],
        faint[rows],
        notes,
        False,
        informativeness(relatedness),
    )


def difference_map(difference: Difference, first: str, second: str, most: int = 30) -> HeatMap:
    """What to look at in the difference of two tables; ``most`` classes, those with the largest cells."""
    values = difference.values
    rows = np.arange(len(difference.rows))
    notes: tuple[str, ...] = ()
    if len(rows) > most:
        rows = np.sort(np.argsort(-np.abs(values).sum(1), kind="stable")[:most])
        notes = (f"{most} of {len(difference.rows)} classes: those that differ most",)
    none = np.zeros((len(rows), len(difference.columns)), bool)
    labels = tuple(difference.rows[row] for row in rows)
    title = f"{second} minus {first}"
    return HeatMap(title, labels, difference.columns, values[rows], none, none, notes, True, np.abs(values).sum(0))


def shade(value: float) -> Colour:
    """Red, green and blue in [0, 1] for a value in [-1, 1]."""
    at = min(abs(value), 1.0) * (len(RAMP) - 1)
    ramp = np.array(LOSS if value < 0 else RAMP) / 255
    red, green, blue = (float(np.interp(at, range(len(ramp)), ramp[:, channel])) for channel in range(3))
    return red, green, blue


def _on(colour: Colour) -> str:
    """The colour of writing that can be read on this one."""
    return "#ffffff" if 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 0.5 else "#000000"


def print_heat_map(shown: HeatMap, console: Console) -> None:
    """Print shaded cells: turned on its side, or with fewer columns, if the terminal is too narrow for all.

    Colours are those that the terminal can show; without any, the numbers stand alone.
    """
    from rich.table import Table
    from rich.text import Text

    turned = _room(shown.rows, shown.columns) > console.width >= _room(shown.columns, shown.rows)
    count = len(shown.columns)
    while not turned and count > 1 and _room(shown.rows, shown.widest(count).columns) > console.width:
        count -= 1
    shown = shown.widest(count)
    lines, heads = (shown.columns, shown.rows) if turned else (shown.rows, shown.columns)
    table = Table(title=Text(shown.title, "bold"), box=None, padding=0, pad_edge=False)
    table.add_column()
    for head in heads:
        table.add_column(
            Text("\n".join(_folded(head))), justify="center", width=_wide(head), no_wrap=True, vertical="bottom"
        )
    for at, line in enumerate(lines):
        cells = [(other, at) if turned else (at, other) for other in range(len(heads))]
        written = [_cell(shown, *cell, _wide(head)) for cell, head in zip(cells, heads, strict=True)]
        table.add_row(Text(f"{line} "), *written)
    console.print(table)
    meanings = [("* prototypical: always shown", shown.marked), ("~ no row was counted", shown.faint)]
    for note in (*shown.notes, *(meaning for meaning, cells in meanings if cells.any())):
        console.print(Text(note, "dim"))


def _folded(head: str) -> list[str]:
    """A long head in lines of 9 letters where it has joints."""
    lines = [""]
    for part in re.split(r"(?<=[_= -])", head):
        if lines[-1] and len(lines[-1] + part) > 9:
            lines.append("")
        lines[-1] += part
    return lines


def _wide(head: str) -> int:
    """Letters of a column."""
    return max(4, *map(len, _folded(head))) + 1


def _room(lines: Sequence[str], heads: Sequence[str]) -> int:
    """Letters of a line of the table."""
    return max((len(line) for line in lines), default=0) + 1 + sum(map(_wide, heads))


def _cell(shown: HeatMap, row: int, column: int, width: int) -> Text:
    from rich.text import Text

    text = shown.text(row, column)
    if not text:
        return Text(f"{'·':^{width}}", "dim")
    colour = shade(float(shown.values[row, column]))
    red, green, blue = (round(255 * part) for part in colour)
    mark = "*" if shown.marked[row, column] else "~" if shown.faint[row, column] else ""
    return Text(f"{text + mark:^{width}}", f"{_on(colour)} on #{red:02x}{green:02x}{blue:02x}")


def draw_heat_map(shown: HeatMap) -> Figure:
    """The map as a figure of matplotlib, without touching its global state.

    Prototypical cells have a frame, cells without a count of their own are hatched, white lines part the groups of
    :func:`mien.tasks.one_hot_labels`.

    Raises:
        ModuleNotFoundError: without matplotlib.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle

    shown = shown.widest(WIDEST)
    rows, columns = len(shown.rows), len(shown.columns)
    width, height = 0.46 * max(columns, 4), 0.36 * max(rows, 4)
    figure = Figure(figsize=(width, height), dpi=160)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    low = -1.0 if shown.signed else 0.0
    ramp = LinearSegmentedColormap.from_list("mien", [shade(float(at)) for at in np.linspace(low, 1, 257)])
    axes.imshow(shown.values, ramp, vmin=low, vmax=1, aspect="auto", interpolation="nearest")
    axes.set_xticks(np.arange(-0.5, columns), minor=True)
    axes.set_yticks(np.arange(-0.5, rows), minor=True)
    axes.grid(which="minor", color="white", linewidth=1.6)
    axes.tick_params(which="both", length=0, colors=INK, labelsize=9)
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()
    slanted = max((len(label) for label in shown.columns), default=0) > 5
    slant: dict[str, Any] = {"rotation": 50, "ha": "left", "rotation_mode": "anchor"} if slanted else {}
    axes.set_xticks(range(columns), [label.replace("_", " ").replace("=", ": ") for label in shown.columns], **slant)
    axes.set_yticks(range(rows), [label.replace("_", " ") for label in shown.rows])
    for places in groups(shown.columns).values():
        for edge in (places[0] - 0.5, places[-1] + 0.5):
            axes.axvline(edge, color="white", linewidth=4)
    for row, column in np.ndindex(rows, columns):
        ink = _on(shade(float(shown.values[row, column])))
        axes.text(column, row, shown.text(row, column), ha="center", va="center", fontsize=8, color=ink)
        corner = (column - 0.42, row - 0.4)
        if shown.marked[row, column]:
            axes.add_patch(Rectangle(corner, 0.84, 0.8, fill=False, edgecolor=ACCENT, linewidth=1.8))
        elif shown.faint[row, column]:
            axes.add_patch(Rectangle(corner, 0.84, 0.8, fill=False, hatch="////", edgecolor="#b4bec8", linewidth=0))
    bar = figure.add_axes((1 + 0.2 / width, 0, 0.13 / width, 1))
    figure.colorbar(ScalarMappable(Normalize(low, 1), ramp), cax=bar, ticks=np.linspace(low, 1, 5))
    bar.tick_params(length=0, colors=GREY, labelsize=8)
    bar.spines[:].set_visible(False)
    what = "difference of the weights" if shown.signed else "p(attribute | class)"
    bar.set_ylabel(what, color=GREY, fontsize=8)
    axes.set_title(shown.title, loc="left", color=INK, fontsize=12, fontweight="bold", pad=12)
    handles = []
    if shown.marked.any():
        handles.append(Patch(fill=False, edgecolor=ACCENT, linewidth=1.8, label="prototypical: always shown"))
    if shown.faint.any():
        handles.append(Patch(fill=False, hatch="////", edgecolor="#b4bec8", linewidth=0, label="no row was counted"))
    if handles:
        place = {"loc": "upper left", "bbox_to_anchor": (0, -0.1 / height), "borderaxespad": 0, "borderpad": 0}
        axes.legend(handles=handles, ncols=2, frameon=False, fontsize=8, labelcolor=GREY, **place)
    letters = max(40, int(15 * width))
    notes = "\n".join(line for note in shown.notes for line in textwrap.wrap(note, letters))
    below = (0.34 if handles else 0.1) / height
    axes.text(0, -below, notes, transform=axes.transAxes, va="top", color=GREY, fontsize=8)
    return figure


def save_heat_map(shown: HeatMap, path: Path | str) -> None:
    """Write the map as PNG, 160 dots an inch.

    Raises:
        ModuleNotFoundError: without matplotlib.
        OSError: if the file cannot be written.
    """
    figure = draw_heat_map(shown)
    with Path(path).open("wb") as file:
        figure.savefig(file, format="png", bbox_inches="tight", pad_inches=0.2)
