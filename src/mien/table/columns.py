"""Reading columns of record batches, for layouts, smoothing and summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SUFFIX = "_smooth"
"""Suffix of the names of smoothed columns."""

NO_TRACK = -1
"""The track number, in arrays, of rows without a track."""


def require(schema: pa.Schema, names: Sequence[str], purpose: str) -> None:
    """Raise a ValueError that names the missing columns, if any."""
    if missing := [name for name in names if name not in schema.names]:
        raise ValueError(f"{purpose}: the table has no column {', '.join(missing)}")


def numbers(column: pa.Array) -> NDArray[np.float64]:
    """A column as numbers, with NaN for null."""
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def label_column(batch: pa.RecordBatch, label: str, smoothed: bool) -> Any:
    """A label's column; if ``smoothed``, with the smoothed value of each row that has one."""
    smooth = label + SUFFIX
    if not smoothed or smooth not in batch.schema.names:
        return batch[label]
    return pc.coalesce(batch[smooth], batch[label])
