"""The chart of a study: for each metric a panel with every run, the means and their intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mien.learn.chart_style import COOL, FAINT, INK, PALE, WARM, write
from mien.learn.evaluate.significance import NEGATIVE, NONE, POSITIVE, verdict
from mien.learn.study.summary import SettingSummary, StudySummary

COLUMNS = 2
"""Panels per row."""

COLOURS = {NEGATIVE: WARM, POSITIVE: COOL, NONE: "#66737f", None: INK}
"""Colours of a setting by its verdict; colour-blind people can tell them apart."""

PLAIN = ("ccc", "pcc", "rmse", "faces", "persons", "left_out")
"""Metrics that are not shares, and so are not shown in percent."""


def scale(metric: str) -> tuple[float, str]:
    """The factor by which a metric is shown, and its unit."""
    return (1.0, "") if set(PLAIN) & set(metric.split(".")) else (100.0, " %")


def draw(summary: StudySummary, path: Path) -> None:
    """Write the chart as a PNG file."""
    rows, metrics = summary.rows, summary.metrics
    columns = min(COLUMNS, len(metrics))
    lines = -(-len(metrics) // columns)
    longest = max(len(row.setting) for row in rows)
    left, bottom, top = 0.35 + 0.082 * longest, 0.75 if columns > 1 else 0.95, 0.85
    panel = 0.15 + 0.4 * len(rows)
    width, height = left + columns * (3.9 if columns > 1 else 5.2) + 0.25, top + lines * (panel + 0.75) - 0.75 + bottom
    picture = Figure(figsize=(width, height), dpi=160, facecolor="white")
    grid = picture.add_gridspec(
        lines,
        columns,
        left=left / width,
        right=1 - 0.25 / width,
        bottom=bottom / height,
        top=1 - top / height,
        wspace=0.07,
        hspace=0.75 / panel,
    )
    for index, metric in enumerate(metrics):
        axes = picture.add_subplot(grid[index // columns, index % columns])
        _panel(axes, summary, metric, named=index % columns == 0)
    _head_and_foot(picture, summary, width, height)
    write(picture, path)


def _panel(axes: Axes, summary: StudySummary, metric: str, *, named: bool) -> None:
    factor, unit = scale(metric)
    reference = next(row for row in summary.rows if row.setting == summary.study.reference)
    if (found := reference.estimates[metric]) is not None:
        axes.axvline(found.mean * factor, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for height, row in enumerate(summary.rows):
        if height % 2 == 0:
            axes.axhspan(height - 0.5, height + 0.5, color="#f6f8f9", zorder=0, linewidth=0)
        _row(axes, row, metric, height, factor, summary)
    axes.set_title(
        f"{metric.replace('_', ' ').replace('.', ': ', 1)}{',' * bool(unit)}{unit}",
        loc="left",
        fontsize=10,
        color=INK,
        pad=6,
    )
    axes.set_ylim(len(summary.rows) - 0.5, -0.5)
    axes.set_yticks(range(len(summary.rows)), [row.setting for row in summary.rows] if named else [])
    axes.tick_params(axis="y", length=0, labelsize=9.5, labelcolor=INK, pad=6)
    axes.tick_params(axis="x", length=3, labelsize=8.5, color=FAINT, labelcolor="#4a5763")
    axes.grid(axis="x", color=PALE, linewidth=0.8, zorder=0.5)
    axes.set_axisbelow(True)
    axes.margins(x=0.04)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(FAINT)


def _row(axes: Axes, row: SettingSummary, metric: str, height: int, factor: float, summary: StudySummary) -> None:
    """A setting's mean with its interval, and its runs below, each at the same depth in every row."""
    found = row.estimates[metric]
    if found is None:
        axes.text(0.02, height, "no run", transform=axes.get_yaxis_transform(), fontsize=8, color=FAINT, va="center")
        return
    line, colour = height - 0.1, COLOURS[verdict(row.differences.get(metric), metric)]
    places = {repeat.name: index for index, repeat in enumerate(summary.study.repeats)}
    depths = np.array([0.14 + 0.24 * places[name] / max(1, len(places) - 1) for name in row.values[metric]])
    values = factor * np.array(list(row.values[metric].values()))
    axes.scatter(values, height + depths, s=14, color=colour, alpha=0.3, linewidths=0, zorder=2)
    if found.low is not None and found.high is not None:
        axes.plot(
            [found.low * factor, found.high * factor],
            [line, line],
            color=colour,
            linewidth=2.2,
            solid_capstyle="round",
            zorder=3,
        )
    inside = "white" if row.setting == summary.study.reference else colour
    axes.plot(found.mean * factor, line, "o", color=inside, markeredgecolor=colour, markeredgewidth=1.6, zorder=4)


def _head_and_foot(picture: Figure, summary: StudySummary, width: float, height: float) -> None:
    reference = summary.study.reference
    picture.text(0.2 / width, 1 - 0.3 / height, summary.study.name, fontsize=13, weight="bold", color=INK, va="center")
    marks = [
        Line2D([], [], color=INK, marker="o", markerfacecolor="white", markeredgewidth=1.6, linewidth=2.2),
        Line2D([], [], color=FAINT, linestyle=(0, (4, 3)), linewidth=1),
        *(Line2D([], [], color=COLOURS[word], marker="o", linewidth=2.2) for word in (POSITIVE, NONE, NEGATIVE)),
        Line2D([], [], color=COLOURS[NONE], marker="o", linewidth=0, alpha=0.4, markersize=4),
    ]
    names = [reference, "its mean", "better", "no difference shown", "worse", "one run"]
    picture.legend(
        marks,
        names,
        loc="lower left",
        bbox_to_anchor=(0.1 / width, 0.05 / height),
        ncols=len(names) if len(summary.metrics) > 1 else 3,
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
        handlelength=1.8,
        columnspacing=1.4,
    )
