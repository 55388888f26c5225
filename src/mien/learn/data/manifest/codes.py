"""Equal cells have equal numbers: how rows are grouped by one column or by several, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def codes(table: pa.Table, names: Sequence[str]) -> Codes:
    """For each row a number from 0 on that is the same for equal cells; null equals null, a missing column is nulls."""
    found = np.zeros(table.num_rows, np.int64)
    for name in names:
        if name in table.column_names:
            found = paired(found, column_codes(table[name]))
    return found


def column_codes(column: Any) -> Codes:
    """Of one column, in the order of first rows; null is the last number."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    found: Codes = np.asarray(pc.fill_null(coded.indices, len(coded.dictionary))).astype(np.int64)
    return found


def paired(first: Codes, second: Codes) -> Codes:
    """Numbers of the pairs of two groupings, without gaps."""
    if not len(first) or not first.any():
        return second
    joint = first * (int(second.max()) + 1) + second
    return np.asarray(np.unique(joint, return_inverse=True)[1], np.int64)


def own_groups(column: Any) -> Codes:
    """As :func:`column_codes`, without gaps, but each row without a value is a group of its own."""
    found = column_codes(column)
    alone = np.flatnonzero(np.asarray(pc.is_null(column)))
    found[alone] = (int(found.max()) + 1 if len(found) else 0) + np.arange(len(alone))
    return np.asarray(np.unique(found, return_inverse=True)[1], np.int64)


def video_codes(table: pa.Table) -> Codes:
    """For each row the number of its video: data set, subject, and the video's name, or the path where it has none."""
    names = table["path"]
    if "video" in table.column_names and not pa.types.is_null(table["video"].type):
        names = pc.coalesce(table["video"].cast(pa.string()), names)
    return paired(codes(table, ("dataset", "subject")), column_codes(names))
