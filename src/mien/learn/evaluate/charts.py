"""The charts of an evaluation: confusion matrices and reliability diagrams."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mien.learn.chart_style import COOL, FAINT, INK, PALE, WARM, quiet, shortened
from mien.learn.evaluate.reliability import Reliability
from mien.tasks import Task

LONGEST = 22
"""Longest label in characters; longer ones are shortened."""


def confusion(task: Task, counts: NDArray[np.int_]) -> Figure:
    """The confusion matrix, one row per true class; cells are percentages of their row.

    Args:
        task: a classification task.
        counts: C x (C + 1); the last column, missed rows, is drawn if there are any.
    """
    columns = [*task.labels, "missed"] if counts[:, -1].any() else list(task.labels)
    counts = counts[:, : len(columns)]
    totals = counts.sum(1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    side = 1.9 + 0.42 * len(task)
    figure = Figure(figsize=(side + 1.2, side), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(columns)), [shortened(name, LONGEST) for name in columns], rotation=45, ha="right")
    names = [f"{shortened(name, LONGEST)}  {total}" for name, total in zip(task.labels, totals[:, 0], strict=True)]
    axes.set_yticks(range(len(task)), names)
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("true, with number of rows", color=INK)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for row, column in zip(*np.nonzero(counts), strict=True):
        share = shares[row, column]
        colour = "white" if share > 0.55 else INK
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=colour)
    return figure


def reliability(task: Task, found: Reliability) -> Figure:
    """The reliability diagram: mean probability and actual share of each bin, and below it the size of each bin."""
    figure = Figure(figsize=(3.9, 4.3), dpi=110, layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    there = found.count > 0
    upper.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    upper.plot(found.probability[there], found.share[there], "o-", color=COOL, markersize=4, linewidth=1.4)
    for x, y in zip(found.probability[there], found.share[there], strict=True):
        upper.plot([x, x], [x, y], color=WARM, linewidth=1.4, alpha=0.7, zorder=1)
    upper.set_title(f"{task.name}: calibration error {found.error:.3f}", fontsize=10, color=INK, loc="left")
    upper.set_ylabel("actual share", fontsize=9, color=INK)
    _square(upper)
    edges = np.linspace(0, 1, len(found.count) + 1)
    lower.bar(edges[:-1], found.count, width=1 / len(found.count), align="edge", color=COOL, edgecolor=PALE)
    lower.set_xlabel("probability", fontsize=9, color=INK)
    lower.set_ylabel("number", fontsize=9, color=INK)
    quiet(lower, grid=False)
    return figure


def png(figure: Figure) -> bytes:
    """A chart as the bytes of a PNG file."""
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file, metadata={"Software": "mien"})
    return file.getvalue()


def _square(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    quiet(axes, grid=True)
