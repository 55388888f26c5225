"""Heat maps of relatedness as PNG files; :mod:`mien.relatedness.heatmap_terminal` prints them.

The PNG needs matplotlib, which is imported when it is drawn.
"""

from __future__ import annotations

import textwrap
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
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

Colour = tuple[float, float, float]

RAMP: tuple[Colour, ...] = ((250, 251, 252), (205, 228, 232), (120, 184, 200), (38, 121, 156), (16, 62, 104))
"""Colours from 0 to 1, as red, green and blue in [0, 255]: from almost white to deep blue, steadily darker."""
NEGATIVE_RAMP: tuple[Colour, ...] = (RAMP[0], (250, 214, 178), (240, 158, 94), (200, 92, 34), (122, 46, 12))
"""Colours from 0 to -1, for differences."""
INK, GREY, ACCENT, HATCH = "#1c2733", "#6b7783", "#e8590c", "#b4bec8"
MAX_COLUMNS = 60
"""Most columns of a PNG."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A table of numbers to show.

    Args:
        title: one line.
        rows, columns: labels.
        values: R x C in [0, 1], or in [-1, 1] if ``signed``.
        marked: R x C bool, prototypical cells.
        faint: R x C bool, cells without a count of their own.
        notes: lines below the map.
        signed: whether the values are differences.
        rank: C numbers; if there is no room for all columns, those with the highest rank are kept.
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
        """The value of a cell with two digits; empty for 0."""
        value = self.values[row, column]
        sign = ("-" if value < 0 else "+") if self.signed else ""
        digits = f"{abs(value):.2f}"
        return "" if value == 0 else sign + ("1" if digits == "1.00" else digits[1:])

    def limited(self, columns: int) -> HeatMap:
        """Keep at most this many columns, the highest in ``rank``, in their order, and add a note about it."""
        if columns >= len(self.columns):
            return self
        kept = np.sort(np.argsort(-self.rank, kind="stable")[: max(columns, 1)])
        most = "that differ most" if self.signed else "that reveal most about the class"
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
    """The heat map of a table.

    Args:
        relatedness: the table.
        most: maximum number of classes. If there are more, those whose attributes differ most from the overall rates
            are shown, in the order of the table, with a note about it.

    Example:
        >>> from mien.relatedness import DU_2014
        >>> shown = heat_map(DU_2014)
        >>> shown.text(shown.rows.index("happiness"), shown.columns.index("AU06"))
        '.51'
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
    """The heat map of the difference of two tables, with at most ``most`` classes: those that differ most."""
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
    ramp = np.array(NEGATIVE_RAMP if value < 0 else RAMP) / 255
    red, green, blue = (float(np.interp(at, range(len(ramp)), ramp[:, channel])) for channel in range(3))
    return red, green, blue


def text_colour(background: Colour) -> str:
    """Black or white, whichever is legible on the background."""
    return "#ffffff" if np.dot((0.299, 0.587, 0.114), background) < 0.5 else "#000000"


def draw_heat_map(shown: HeatMap) -> Figure:
    """Draw the map as a matplotlib figure, without touching matplotlib's global state.

    Prototypical cells have a frame, cells without a count of their own are hatched, and white lines separate the groups
    of :func:`mien.tasks.one_hot_labels`.

    Raises:
        ModuleNotFoundError: without matplotlib.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    shown = shown.limited(MAX_COLUMNS)
    width, height = 0.46 * max(len(shown.columns), 4), 0.36 * max(len(shown.rows), 4)
    figure = Figure(figsize=(width, height), dpi=160)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    low = -1.0 if shown.signed else 0.0
    ramp = LinearSegmentedColormap.from_list("mien", [shade(float(at)) for at in np.linspace(low, 1, 257)])
    axes.imshow(shown.values, ramp, vmin=low, vmax=1, aspect="auto", interpolation="nearest")
    axes.set_title(shown.title, loc="left", color=INK, fontsize=12, fontweight="bold", pad=12)
    _label_axes(axes, shown)
    _draw_cells(axes, shown)
    _draw_scale(figure.add_axes((1 + 0.2 / width, 0, 0.13 / width, 1)), ramp, low)
    below = (0.34 if _draw_legend(axes, shown, height) else 0.1) / height
    notes = "\n".join(line for note in shown.notes for line in textwrap.wrap(note, max(40, int(15 * width))))
    axes.text(0, -below, notes, transform=axes.transAxes, va="top", color=GREY, fontsize=8)
    return figure


def _label_axes(axes: Axes, shown: HeatMap) -> None:
    """Draw the labels, and white lines between the cells and around the groups of columns."""
    rows, columns = len(shown.rows), len(shown.columns)
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
    for members in groups(shown.columns).values():
        for edge in (members[0] - 0.5, members[-1] + 0.5):
            axes.axvline(edge, color="white", linewidth=4)


def _draw_cells(axes: Axes, shown: HeatMap) -> None:
    """Draw the number of each cell, with a frame or a hatch."""
    from matplotlib.patches import Rectangle

    for row, column in np.ndindex(shown.values.shape):
        ink = text_colour(shade(float(shown.values[row, column])))
        axes.text(column, row, shown.text(row, column), ha="center", va="center", fontsize=8, color=ink)
        corner = (column - 0.42, row - 0.4)
        if shown.marked[row, column]:
            axes.add_patch(Rectangle(corner, 0.84, 0.8, fill=False, edgecolor=ACCENT, linewidth=1.8))
        elif shown.faint[row, column]:
            axes.add_patch(Rectangle(corner, 0.84, 0.8, fill=False, hatch="////", edgecolor=HATCH, linewidth=0))


def _draw_scale(axes: Axes, ramp: Colormap, low: float) -> None:
    """The colours from ``low`` to 1."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    axes.figure.colorbar(ScalarMappable(Normalize(low, 1), ramp), cax=axes, ticks=np.linspace(low, 1, 5))
    axes.tick_params(length=0, colors=GREY, labelsize=8)
    axes.spines[:].set_visible(False)
    axes.set_ylabel("difference of the weights" if low < 0 else "p(attribute | class)", color=GREY, fontsize=8)


def _draw_legend(axes: Axes, shown: HeatMap, height: float) -> bool:
    """Explain frames and hatches; returns whether there are any."""
    from matplotlib.patches import Patch

    handles = []
    if shown.marked.any():
        handles.append(Patch(fill=False, edgecolor=ACCENT, linewidth=1.8, label="prototypical: always shown"))
    if shown.faint.any():
        handles.append(Patch(fill=False, hatch="////", edgecolor=HATCH, linewidth=0, label="no rows counted"))
    if handles:
        place = {"loc": "upper left", "bbox_to_anchor": (0, -0.1 / height), "borderaxespad": 0, "borderpad": 0}
        axes.legend(handles=handles, ncols=2, frameon=False, fontsize=8, labelcolor=GREY, **place)
    return bool(handles)


def save_heat_map(shown: HeatMap, path: Path | str) -> None:
    """Write the map as a PNG file, at 160 dots per inch.

    Raises:
        ModuleNotFoundError: without matplotlib.
        OSError: if the file cannot be written.
    """
    figure = draw_heat_map(shown)
    with Path(path).open("wb") as file:
        figure.savefig(file, format="png", bbox_inches="tight", pad_inches=0.2)
