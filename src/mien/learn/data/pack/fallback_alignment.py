"""Face crops in which no face was found are aligned by the median landmarks of the others of their set."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.faces.align import align
from mien.learn.data.pack.locate import Pictures
from mien.learn.data.pack.write import Row


def median_landmarks(tables: Iterable[Path]) -> NDArray[np.float32] | None:
    """5 x 2, over all faces that were found; None if there is none.

    Args:
        tables: of the shards, see :mod:`mien.learn.data.pack.prepare`.
    """
    seen = []
    for path in tables:
        table = pq.read_table(path, columns=["found", "landmarks"])
        found = table.filter(pc.fill_null(table["found"], False))["landmarks"]
        seen.append(np.asarray(pc.list_flatten(found).to_numpy(), np.float32).reshape(-1, 5, 2))
    every = np.concatenate(seen) if seen else np.empty((0, 5, 2), np.float32)
    return np.median(every, axis=0) if len(every) else None


def fill(table: pa.Table, rows: tuple[Row, ...], shard: Path, middle: NDArray[np.float32], folder: Path) -> pa.Table:
    """Align the pictures of a shard that wait for it, in their places; the shard's table without their faults.

    Doing it twice changes nothing, so that it may be killed at any time.

    Args:
        table: of the shard; the rows that wait have both ``crop`` and ``fault``.
        rows: of the manifest, as many.
        shard: the file of the crops.
        middle: 5 x 2, in pixels of every picture.
        folder: of the manifest.
    """
    waits = np.asarray(pc.and_(pc.is_valid(table["crop"]), pc.is_valid(table["fault"])))
    if not waits.any():
        return table
    crops, pictures = np.load(shard, mmap_mode="r+"), Pictures(folder)
    for index in np.flatnonzero(waits):
        crops[index] = align(pictures(rows[index]), middle)[..., : crops.shape[-1]]
    crops.flush()
    faults = pc.if_else(pa.array(waits), None, table["fault"].combine_chunks())
    return table.set_column(table.column_names.index("fault"), "fault", faults)
