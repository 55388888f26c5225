"""Plot what a manifest holds: the frequency of each label, and the plane of valence and arousal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from mien.learn.data.manifest.statistics import Statistics
from mien.tasks import Kind, Task

INK, GREY, BAR, BACK = "#22303c", "#7a8894", "#3b76a8", "#dde5ec"

MOST = 60
"""Largest number of labels of a task that are drawn: the most frequent ones."""


def draw_statistics(found: Statistics, title: str) -> Figure:
    """One panel of bars per classification task or attributes that has labels, and one panel for the affect plane.

    The pale part of an attribute's bar counts the rows where it is known to be absent.

    Args:
        found: the counts to draw.
        title: the title above all panels.
    """
    barred = [task for task in found.tasks if task.kind is not Kind.CONTINUOUS and _rows(found, task)]
    heights = [0.26 * len(_rows(found, task)) for task in barred]
    side = 4.6
    panels = len(barred) + (found.plane is not None)
    height = max([*heights, side if found.plane is not None else 1.0]) + 0.9
    figure = Figure(figsize=(max(panels, 1) * side + 0.4, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=12, fontweight="bold")
    places = figure.subplots(1, max(panels, 1), squeeze=False)[0]
    most = max([12, *(len(_rows(found, task)) for task in barred)])  # all bars have the same height
    for axes, task in zip(places, barred, strict=False):
        _bars(axes, found, task)
        axes.set_ylim(most - 0.4, -0.6)
    if found.plane is not None:
        _plane(places[len(barred)], found)
    if not panels:
        places[0].set_axis_off()
        places[0].text(0, 1, "no labels", color=GREY, va="top")
    return figure


def save_statistics(found: Statistics, title: str, path: Path) -> None:
    """Draw and write to a file, in the format of its extension.

    Raises:
        ValueError: if matplotlib does not know the extension.
        OSError: if it cannot be written.
    """
    draw_statistics(found, title).savefig(path)


def _rows(found: Statistics, task: Task) -> list[tuple[str, int, int]]:
    """Label, rows that have it, rows where it is known; the most frequent labels, in the order of the task."""
    total = found.known[task.name]
    rows = [
        (label, found.positive[label], total if task.kind is Kind.CLASSES else found.known[label])
        for label in task.labels
    ]
    rows = [row for row in rows if row[1] or (task.kind is Kind.ATTRIBUTES and row[2])]
    least = sorted((row[1] for row in rows), reverse=True)[:MOST][-1:]
    return [row for row in rows if row[1] >= least[0]][:MOST] if rows else []


def _bars(axes: Axes, found: Statistics, task: Task) -> None:
    rows = _rows(found, task)
    places = np.arange(len(rows))
    there = [row[1] for row in rows]
    if task.kind is Kind.ATTRIBUTES:
        axes.barh(places, [row[2] for row in rows], 0.72, color=BACK)
    axes.barh(places, there, 0.72, color=BAR)
    for place, (_, count, known) in enumerate(rows):
        text = f" {count:,}  ({count / known:.0%})" if known else f" {count:,}"
        axes.text(count, place, text, va="center", color=INK, fontsize=7.5)
    axes.set_yticks(places, [row[0].replace("_", " ") for row in rows])
    axes.margins(x=0.22)
    axes.spines[:].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(length=0, labelsize=8.5, colors=INK)
    shown = f", {len(rows)} of {len(task)}" if len(rows) < len(task) else ""
    axes.set_title(f"{task.name.replace('_', ' ')}{shown}: rows", loc="left", color=INK, fontsize=10)


def _plane(axes: Axes, found: Statistics) -> None:
    plane = found.plane
    assert plane is not None
    task = next(task for task in found.tasks if task.kind is Kind.CONTINUOUS)
    shown = np.ma.masked_equal(plane.T, 0)
    image = axes.imshow(
        shown,
        origin="lower",
        extent=(-1, 1, -1, 1),
        cmap="viridis",
        norm=LogNorm(1, max(2, int(plane.max()))),
        interpolation="nearest",
    )
    axes.add_patch(Circle((0, 0), 1, fill=False, color=GREY, linewidth=0.8))
    for draw in (axes.axhline, axes.axvline):
        draw(0, color=GREY, linewidth=0.5)
    axes.set(xlim=(-1.03, 1.03), ylim=(-1.03, 1.03), xticks=(-1, 0, 1), yticks=(-1, 0, 1), aspect="equal")
    axes.set_xlabel(task.labels[0], color=INK)
    axes.set_ylabel(task.labels[1], color=INK, labelpad=-4)
    axes.tick_params(length=0, labelsize=8, colors=GREY)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{task.name}: {int(plane.sum()):,} rows", loc="left", color=INK, fontsize=10)
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.7, pad=0.03)
    bar.ax.tick_params(length=0, labelsize=7.5, colors=GREY)
    bar.ax.spines[:].set_visible(False)
