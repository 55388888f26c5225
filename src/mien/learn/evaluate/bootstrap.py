"""Bootstrap intervals: how much a metric would vary with other subjects, videos or rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest import ManifestError
from mien.learn.data.manifest.codes import codes, own_groups, paired, video_codes
from mien.learn.evaluate.metrics import from_sums, group_sums, row_sums
from mien.learn.evaluate.predictions import Predictions

RESAMPLES, LEVEL = 1000, 0.95

CELLS = 4_000_000
"""Largest number of values in a block of resamples, to limit memory."""

Interval = tuple[float, float]


def units(rows: pa.Table, column: str | None = None) -> tuple[str, NDArray[np.int_]]:
    """The units that are resampled as a whole, because their rows are similar: their name, and each row's unit.

    Args:
        rows: N rows of a manifest.
        column: rows with equal values are one unit. None: subjects within a data set; if no row has a subject, videos;
            if no row has a video either, single rows. A row without a value is a unit of its own.

    Raises:
        ManifestError: if there is no such column.
    """
    if column is not None:
        if column not in rows.column_names:
            raise ManifestError(f"no column {column} to group rows by")
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
    """The 95 % percentile interval of every metric of :func:`mien.learn.evaluate.score.score`, except counts.

    Units are drawn with replacement, as many as there are. A resample in which a metric is undefined, such as the
    recall of a class that was not drawn, is ignored for that metric.

    Args:
        found: N predictions.
        members: N, the unit of each row, numbered from 0 without gaps.
        resamples: the number of resamples.
        seed: seed of the draws.

    Returns:
        The intervals by ``task.metric``; empty if there is only one unit, which says nothing about others.
    """
    count = int(members.max()) + 1 if len(members) else 0
    if count < 2:
        return {}
    result: dict[str, Interval] = {}
    for task in found.tasks:
        name, mask = task.name, found.mask[task.name]
        if not mask.any():
            continue
        table = group_sums(row_sums(task, found.outputs[name], found.labels[name], mask, found.missed), members, count)
        parts = [
            from_sums(task, np.asarray((table.T @ drawn.T).T))
            for drawn in draws(count, resamples, seed, table.shape[1])
        ]
        for metric in parts[0]:
            values = np.concatenate([part[metric] for part in parts])
            values = values[~np.isnan(values)]
            if values.size and metric != "faces":
                low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
                result[f"{name}.{metric}"] = float(low), float(high)
    return result


def draws(count: int, resamples: int, seed: int, width: int = 1) -> Iterator[NDArray[np.floating]]:
    """How often each of ``count`` units is drawn, in blocks of resamples x units; the same for the same seed and count.

    Args:
        count: the number of units, and of draws in a resample.
        resamples: rows of all blocks together.
        seed: seed of the draws.
        width: the number of sums of a unit; it only changes the size of the blocks, not the draws.
    """
    generator = np.random.default_rng(seed)
    size = max(1, CELLS // max(count, width))
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = generator.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)


def _has(rows: pa.Table, column: str) -> bool:
    return column in rows.column_names and pc.any(pc.is_valid(rows[column])).as_py() is True
