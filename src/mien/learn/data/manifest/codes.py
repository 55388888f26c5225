"""Group rows by one or more columns: equal cells get equal numbers, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def codes(table: pa.Table, names: Sequence[str]) -> Codes:
    """One number per row, from 0, equal where all cells are equal; null equals null, a missing column is all null."""
    found = np.zeros(table.num_rows, np.int64)
    for name in names:
        if name in table.column_names:
            found = paired(found, column_codes(table[name]))
    return found


def column_codes(column: Any) -> Codes:
    """The numbers of one column, in order of first appearance; null gets the last number."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    found: Codes = np.asarray(pc.fill_null(coded.indices, len(coded.dictionary))).astype(np.int64)
    return found


def paired(first: Codes, second: Codes) -> Codes:
    """The numbers of the pairs of two groupings, without gaps."""
    if not len(first) or not first.any():
        return second
    joint = first * (int(second.max()) + 1) + second
    return np.asarray(np.unique(joint, return_inverse=True)[1], np.int64)


def own_groups(column: Any) -> Codes:
    """Like :func:`column_codes`, but without gaps, and each row without a value is its own group."""
    found = column_codes(column)
    alone = np.flatnonzero(np.asarray(pc.is_null(column)))
    found[alone] = (int(found.max()) + 1 if len(found) else 0) + np.arange(len(alone))
    return np.asarray(np.unique(found, return_inverse=True)[1], np.int64)


def video_codes(table: pa.Table) -> Codes:
    """The number of each row's video, identified by data set, subject and name, or by its path if it has no name."""
    names = table["path"]
    if "video" in table.column_names and not pa.types.is_null(table["video"].type):
        names = pc.coalesce(table["video"].cast(pa.string()), names)
    return paired(codes(table, ("dataset", "subject")), column_codes(names))
