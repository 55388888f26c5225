"""Bootstrap intervals: how much a figure would move with other subjects, videos or rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest.codes import codes, own_groups, paired, video_codes
from mien.learn.data.manifest.manifest import ManifestError
from mien.learn.evaluate.grouped_metrics import metrics, sums
from mien.learn.evaluate.predictions import Predictions

RESAMPLES, LEVEL = 1000, 0.95

CELLS = 4_000_000
"""Numbers of a block of resamples that are in memory at once."""

Interval = tuple[float, float]


def units(rows: pa.Table, column: str | None = None) -> tuple[str, NDArray[np.int_]]:
    """What is drawn as a whole, since its rows resemble each other: the name of the unit, and each row's number of it.

    Args:
        rows: N rows of a manifest.
        column: whose equal values are one unit; None: the subject of a data set, where no row has one the video, and
            where no row has one either the row. A row without a value is a unit of its own.

    Raises:
        ManifestError: if there is no such column.
    """
    if column is not None:
        if column not in rows.column_names:
            raise ManifestError(f"there is no column {column} to draw by")
        return column, own_groups(rows[column])
    if _has(rows, "subject"):
        subjects = own_groups(rows["subject"])
        return "subject", np.unique(paired(codes(rows, ("dataset",)), subjects), return_inverse=True)[1]
    if _has(rows, "video"):
        return "video", np.unique(video_codes(rows), return_inverse=True)[1]
    return "row", np.arange(rows.num_rows)


def intervals(
    found: Predictions, members: NDArray[np.int_], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """The 95 % percentile interval of every figure that :func:`mien.learn.evaluate.judge.judge` gives, but of counts.

    Units are drawn with replacement, as many as there are; a resample in which a figure is undefined, such as the
    recall of a class that was not drawn, has no part in that figure's interval.

    Args:
        found: N predictions.
        members: N, the unit of each row, numbers from 0 on without gaps.
        resamples: how many.
        seed: of the draws.

    Returns:
        nothing if there is only one unit: one says nothing about others.
    """
    count = int(members.max()) + 1 if len(members) else 0
    if count < 2:
        return {}
    result: dict[str, Interval] = {}
    for task in found.tasks:
        if not found.mask[task.name].any():
            continue
        table = sums(found, task, members, count)
        parts = [
            metrics(task, np.asarray((table.T @ drawn.T).T)) for drawn in draws(count, resamples, seed, table.shape[1])
        ]
        for name in parts[0]:
            values = np.concatenate([part[name] for part in parts])
            values = values[~np.isnan(values)]
            if values.size and name != "faces":
                low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
                result[f"{task.name}.{name}"] = float(low), float(high)
    return result


def draws(count: int, resamples: int, seed: int, width: int = 1) -> Iterator[NDArray[np.floating]]:
    """How often each of ``count`` units is drawn, in blocks of resamples x units; the same for one seed and count.

    Args:
        count: of units, and of draws in a resample.
        resamples: rows of all blocks together.
        seed: a block follows from it and its number, so ``width`` changes memory alone.
        width: sums that a unit has.
    """
    generator = np.random.default_rng(seed)
    size = max(1, CELLS // max(count, width))
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = generator.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)


def _has(rows: pa.Table, column: str) -> bool:
    return column in rows.column_names and pc.any(pc.is_valid(rows[column])).as_py() is True
