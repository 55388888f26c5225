"""Align the face crops in which no face was detected by the median landmarks of the others in their set."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.faces.align import align
from mien.learn.data.manifest.columns import Row
from mien.learn.data.pack.locate import Pictures


def median_landmarks(tables: Iterable[Path]) -> NDArray[np.float32] | None:
    """The median over all detected faces, 5 x 2; None if there are none.

    Args:
        tables: the shards' tables, see :mod:`mien.learn.data.pack.prepare`.
    """
    seen = []
    for path in tables:
        table = pq.read_table(path, columns=["found", "landmarks"])
        found = table.filter(pc.fill_null(table["found"], False))["landmarks"]
        seen.append(np.asarray(pc.list_flatten(found).to_numpy(), np.float32).reshape(-1, 5, 2))
    every = np.concatenate(seen) if seen else np.empty((0, 5, 2), np.float32)
    return np.median(every, axis=0) if len(every) else None


def align_unfound(
    table: pa.Table, rows: tuple[Row, ...], shard: Path, landmarks: NDArray[np.float32], pictures: Pictures
) -> pa.Table:
    """Align the pictures of a shard in which no face was detected, and return the shard's table without their problems.

    Running it again changes nothing, so it may be killed at any time.

    Args:
        table: the shard's table; the rows to align have both ``crop`` and ``problem``.
        rows: the same rows of the manifest.
        shard: the file of the crops, changed in place.
        landmarks: 5 x 2, in pixels of every picture.
        pictures: reads the pictures.
    """
    waits = np.asarray(pc.and_(pc.is_valid(table["crop"]), pc.is_valid(table["problem"])))
    if not waits.any():
        return table
    crops = np.load(shard, mmap_mode="r+")
    for index in np.flatnonzero(waits):
        crops[index] = align(pictures(rows[index]), landmarks)[..., : crops.shape[-1]]
    crops.flush()
    problems = pc.if_else(pa.array(waits), None, table["problem"].combine_chunks())
    return table.set_column(table.column_names.index("problem"), "problem", problems)
