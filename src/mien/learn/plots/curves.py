"""Charts of predicted and true values over the frames of each video (papers/001, Fig. 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mien.learn.chart_style import FAINT, INK, WARM, quiet, shortened, write
from mien.learn.data.manifest import Manifest, ManifestError
from mien.learn.evaluate.metrics import concordance
from mien.tasks import Task

Array = NDArray[np.floating]

LONGEST = 44
"""Longest name of a video in characters; longer ones are shortened."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Predicted and true values of a video.

    Args:
        name: name of the video; empty for rows that are not from a video.
        frames: N positions in the video, ascending.
        predicted: N x D.
        true: N x D, NaN where not annotated.
    """

    name: str
    frames: Array
    predicted: Array
    true: Array

    def concordance(self, dimension: int) -> float | None:
        """The CCC of a dimension over its annotated frames; None if there are none."""
        known = ~np.isnan(self.true[:, dimension])
        return concordance(self.predicted[known, dimension], self.true[known, dimension]) if known.any() else None


def curves(predicted: Array, true: Array, manifest: Manifest, *, group: str | None = None) -> list[Curve]:
    """The videos of a manifest, in the order of their first rows.

    Frames are ordered by the column ``frame``; without it, rows are counted in their order.

    Args:
        predicted: N x D.
        true: N x D, NaN where not annotated.
        manifest: the N rows.
        group: the column that names the video; None: ``video`` if there is one, otherwise all rows are one video.

    Raises:
        ManifestError: if the column ``group`` is missing, or ``frame`` is not a number in every row.
    """
    names = manifest.table.column_names
    if group is not None and group not in names:
        raise ManifestError(f"{manifest.path}: has no column {group}, which names the video")
    group = group or ("video" if "video" in names else None)
    videos = manifest.table[group].to_pylist() if group else [None] * len(true)
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(videos):
        rows.setdefault("" if name is None else str(name), []).append(row)
    frames = _frames(manifest) if "frame" in names else None
    found = []
    for name, own in rows.items():
        places = np.arange(len(own), dtype=np.float64) if frames is None else frames[own]
        turn = np.argsort(places, kind="stable")
        picked = np.array(own)[turn]
        found.append(Curve(name, places[turn], predicted[picked], true[picked]))
    return found


def _frames(manifest: Manifest) -> Array:
    values = manifest.table["frame"].to_pylist()
    numbers = [value if isinstance(value, int | float) else np.nan for value in values]
    frames = np.array(numbers, np.float64)
    if np.isnan(frames).any():
        row = int(np.isnan(frames).argmax())
        raise ManifestError(f"{manifest.path}: row {row}: frame {values[row]!r} is not a number")
    return frames


def draw(found: Sequence[Curve], task: Task, path: Path, *, most: int = 4, ranked: bool = False) -> None:
    """Draw a row of panels for each video, one panel per dimension, with the CCC of each.

    Args:
        found: the videos, at least one.
        task: its labels are the dimensions.
        path: the PNG file.
        most: number of videos to draw, those with the most frames. The CCC at the top covers all videos.
        ranked: for rows that are not from videos: order them by their true value in each panel; rows without one are
            skipped.
    """
    kept = sorted(sorted(range(len(found)), key=lambda index: -len(found[index].frames))[:most])
    width, height = 0.6 + 4.6 * len(task), 1.4 + 1.75 * len(kept) - 0.5
    picture = Figure(figsize=(width, height), dpi=160, facecolor="white")
    grid = picture.add_gridspec(
        len(kept),
        len(task),
        left=0.5 / width,
        right=1 - 0.2 / width,
        bottom=0.5 / height,
        top=1 - 0.9 / height,
        wspace=0.12,
        hspace=0.5,
    )
    for line, index in enumerate(kept):
        for dimension, label in enumerate(task.labels):
            axes = picture.add_subplot(grid[line, dimension])
            curve = _ranked(found[index], dimension) if ranked else found[index]
            _panel(axes, curve, dimension, label, ranked=ranked)
            axes.set_ylim(task.range[0] - 0.06, task.range[1] + 0.06)
            axes.tick_params(labelleft=dimension == 0)
            if line == len(kept) - 1:
                unit = "face, by its true value" if ranked else "frame"
                axes.set_xlabel(unit, fontsize=8.5, color="#4a5763")
    _head(picture, found, task, len(kept), width, height, ranked=ranked)
    write(picture, path)


def _ranked(curve: Curve, dimension: int) -> Curve:
    known = ~np.isnan(curve.true[:, dimension])
    turn = np.flatnonzero(known)[np.argsort(curve.true[known, dimension], kind="stable")]
    return replace(
        curve, frames=np.arange(len(turn), dtype=np.float64), predicted=curve.predicted[turn], true=curve.true[turn]
    )


def _panel(axes: Axes, curve: Curve, dimension: int, label: str, *, ranked: bool) -> None:
    quiet(axes, grid=True)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=1)
    guess = {"linestyle": "", "marker": ".", "markersize": 3} if ranked else {"linewidth": 1.1}
    axes.plot(curve.frames, curve.predicted[:, dimension], color=WARM, zorder=2, **guess)
    axes.plot(curve.frames, curve.true[:, dimension], color=INK, linewidth=1.3, zorder=3)
    ccc = curve.concordance(dimension)
    name = f"{shortened(curve.name, LONGEST)}: " if curve.name else ""
    metric = "no true value" if ccc is None else f"CCC {ccc:.2f}"
    axes.set_title(f"{name}{label}, {metric}", loc="left", fontsize=9, color=INK, pad=4)
    axes.margins(x=0.01)


def _head(
    picture: Figure, found: Sequence[Curve], task: Task, drawn: int, width: float, height: float, *, ranked: bool
) -> None:
    parts = ([getattr(curve, name) for curve in found] for name in ("frames", "predicted", "true"))
    whole = Curve("", *map(np.concatenate, parts))
    metrics = [
        f"{label} {'none' if (ccc := whole.concordance(index)) is None else f'{ccc:.2f}'}"
        for index, label in enumerate(task.labels)
    ]
    over = f"{drawn} of {len(found)} videos; CCC of all: " if drawn < len(found) else "CCC of all: "
    top, right = 1 - 0.25 / height, 1 - 0.2 / width
    picture.text(0.12 / width, top, task.name, fontsize=12, weight="bold", color=INK, va="center")
    picture.text(right, top, over + ", ".join(metrics), fontsize=9, color=INK, va="center", ha="right")
    guess = Line2D([], [], color=WARM, linewidth=0, marker=".") if ranked else Line2D([], [], color=WARM, linewidth=1.6)
    picture.legend(
        [Line2D([], [], color=INK, linewidth=1.6), guess],
        ["true", "predicted"],
        loc="center left",
        bbox_to_anchor=(0.02 / width, 1 - 0.5 / height),
        ncols=2,
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
        handlelength=1.6,
    )
