"""The common style of charts: colours, axes, and writing PNG files."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mien.atomic import replacing

INK, FAINT, PALE = "#22303c", "#8a96a3", "#e6eaee"
WARM, COOL = "#c8502d", "#1f6fb2"
"""Two colours that colour-blind people can tell apart."""


def quiet(axes: Axes, *, grid: bool) -> None:
    """Draw thin grey axes, with or without a grid of thin lines."""
    axes.tick_params(length=3, labelsize=8.5, color=FAINT, labelcolor="#4a5763")
    axes.set_axisbelow(True)
    if grid:
        axes.grid(color=PALE, linewidth=0.8)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("bottom", "left"))
        spine.set_color(FAINT)


def shortened(name: str, most: int) -> str:
    """Shorten a name to ``most`` characters: an ellipsis, then its last ones."""
    return name if len(name) <= most else "…" + name[1 - most :]


def check(path: Path) -> None:
    """Reject a path to which no chart can be written, before any work is done.

    Raises:
        ValueError: if it does not end in .png.
        OSError: if its folder does not exist.
    """
    if path.suffix.lower() != ".png":
        raise ValueError(f"{path}: the file's name must end in .png")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}")


def write(picture: Figure, path: Path) -> None:
    """Write a chart as a PNG file, atomically: a kill leaves the complete old file or the complete new one.

    Raises:
        ValueError, OSError: as :func:`check`, or if it cannot be written.
    """
    check(path)
    with replacing(path) as partial:
        FigureCanvasAgg(picture).print_png(partial, metadata={"Software": "mien"})
