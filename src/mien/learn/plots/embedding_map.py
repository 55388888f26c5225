"""Maps of a network's features, coloured by the intensity of the emotion and by person (papers/001)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mien.learn.caf import Otsu
from mien.learn.chart_style import COOL, INK, WARM, quiet, shortened, write

Array = NDArray[np.floating]
Method = Literal["tsne", "umap"]

COMPONENTS = 50
"""Principal components that the map is computed from."""

FEWEST = 5
"""Smallest number of faces for a map."""

LONGEST = 16
"""Longest name of a person in characters; longer ones are shortened."""

REST = "#c3cad1"
TEN = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#5a6570", "#bcbd22", "#17becf")


@dataclass(frozen=True, eq=False)
class Colouring:
    """The colours of a panel.

    Args:
        title: title of the panel.
        groups: name and colour of each group; the first is drawn first, below the others.
        member: N, the index of each face's group.
    """

    title: str
    groups: tuple[tuple[str, str], ...]
    member: NDArray[np.int_]


def project(features: Array, method: Method = "tsne", seed: int = 0) -> NDArray[np.float32]:
    """A point in the plane for each face, N x 2: near points have similar features, far ones need not differ much.

    Args:
        features: N x D; the first 50 principal components are used.
        method: ``tsne`` (van der Maaten and Hinton 2008), perplexity 30 or less for few faces; ``umap`` (McInnes et al.
            2018), if umap-learn is installed.
        seed: seed of the method.

    Raises:
        ValueError: if there are fewer than five faces, or all have the same features.
        ModuleNotFoundError: if the method is not installed.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(features) < FEWEST:
        raise ValueError(f"{len(features)} faces are too few for a map; {FEWEST} are needed")
    if not np.ptp(features, axis=0).any():
        raise ValueError("all faces have the same features")
    found = PCA(min(COMPONENTS, *features.shape), random_state=seed).fit_transform(np.asarray(features, np.float64))
    if method == "umap":
        from umap import UMAP

        near = min(15, len(found) - 1)
        return np.asarray(UMAP(n_neighbors=near, random_state=seed, n_jobs=1).fit_transform(found), np.float32)
    perplexity = min(30.0, (len(found) - 1) / 3)
    start = found[:, :2] if found.shape[1] > 1 else np.repeat(found, 2, axis=1)
    start = 1e-4 * start / start[:, 0].std()  # as scikit-learn does with its own PCA, but for one feature too
    return np.asarray(TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(found), np.float32)


def by_intensity(labels: Array) -> Colouring:
    """Weak and strong emotions, divided by Otsu's radius of the labels, see :class:`mien.learn.caf.Otsu`.

    Args:
        labels: N x D, such as valence and arousal, NaN where not annotated.

    Raises:
        ValueError: if they cannot be divided.
    """
    known = ~np.isnan(labels).any(1)
    if not known.any():
        raise ValueError("no annotated faces")
    radius = Otsu().decision_radius(labels[known])
    strong, _ = Otsu().groups(torch.from_numpy(np.nan_to_num(labels)), radius)
    member = np.where(known, np.where(strong.numpy(), 2, 1), 0)
    groups = (("not annotated", REST), ("weak", COOL), ("strong", WARM))
    return Colouring(f"intensity: strong from a radius of {radius:.2f}", groups, member)


def by_person(persons: Sequence[str | None]) -> Colouring:
    """The ten people with the most faces in colours, all others in grey."""
    counts = Counter(person for person in persons if person is not None)
    chosen = [person for person, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: len(TEN)]]
    places = {person: place for place, person in enumerate(chosen, 1)}
    groups = (("others", REST), *zip(chosen, TEN, strict=False))
    member = np.array([0 if person is None else places.get(person, 0) for person in persons], np.int_)
    shown = f"the {len(chosen)} with the most faces" if len(chosen) < len(counts) else f"all {len(chosen)}"
    return Colouring(f"people: {shown}", groups, member)


def draw(points: Array, panels: Sequence[Colouring], head: str, path: Path) -> None:
    """Draw the map once for each colouring.

    Args:
        points: N x 2.
        panels: at least one.
        head: the title.
        path: the PNG file.
    """
    across, up = np.ptp(points, axis=0)
    width, height = 0.3 + 5.0 * len(panels), 1.7 + 4.8 * float(np.clip(up / max(across, 1e-9), 0.5, 1))
    picture = Figure(figsize=(width, height), dpi=160, facecolor="white")
    grid = picture.add_gridspec(
        1,
        len(panels),
        left=0.15 / width,
        right=1 - 0.15 / width,
        bottom=0.95 / height,
        top=1 - 0.75 / height,
        wspace=0.06,
    )
    for index, panel in enumerate(panels):
        _panel(picture.add_subplot(grid[index]), points, panel)
    picture.text(0.15 / width, 1 - 0.27 / height, head, fontsize=11, weight="bold", color=INK, va="center")
    write(picture, path)


def _panel(axes: Axes, points: Array, panel: Colouring) -> None:
    quiet(axes, grid=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
    size = float(np.clip(9000 / len(points), 5, 30))
    for place, (_, colour) in enumerate(panel.groups):
        own = points[panel.member == place]
        axes.scatter(own[:, 0], own[:, 1], s=size, color=colour, alpha=0.75, linewidths=0, zorder=2 + (place > 0))
    axes.set_title(panel.title, loc="left", fontsize=10, color=INK, pad=6)
    axes.set_aspect("equal", adjustable="datalim")
    there = [place for place in range(len(panel.groups)) if (panel.member == place).any()]
    axes.legend(
        [Line2D([], [], color=panel.groups[place][1], marker="o", linewidth=0, markersize=5) for place in there],
        [f"{shortened(panel.groups[place][0], LONGEST)} ({(panel.member == place).sum()})" for place in there],
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.01),
        ncols=4,
        frameon=False,
        fontsize=7.5,
        labelcolor=INK,
        handletextpad=0.1,
        columnspacing=0.8,
    )
