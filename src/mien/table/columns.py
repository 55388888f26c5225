"""Columns of record batches of the table, for what works on a finished one: layouts, smoothing, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SUFFIX = "_smooth"
"""What a smoothed column is called behind the name of the raw one."""

NOBODY = -1
"""The track of rows without one, in arrays."""


def require(schema: pa.Schema, names: Sequence[str], purpose: str) -> None:
    """Raise a ValueError with the columns that are not there."""
    if missing := [name for name in names if name not in schema.names]:
        raise ValueError(f"{purpose}: the table has no column {', '.join(missing)}")


def numbers(column: pa.Array) -> NDArray[np.float64]:
    """A column as numbers, NaN where there is none."""
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def label_column(batch: pa.RecordBatch, label: str, smoothed: bool) -> Any:
    """A label's column, with the smoothed values where that is wanted and a row has one."""
    smooth = label + SUFFIX
    if not smoothed or smooth not in batch.schema.names:
        return batch[label]
    return pc.coalesce(batch[smooth], batch[label])
