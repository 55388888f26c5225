"""Compute checksums of the data that training reads: all labels, and a sample of the pack."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mien.learn.data.manifest.columns import REAL, ManifestError
from mien.learn.data.manifest.pack import open_pack
from mien.tasks import Kind, Task

SAMPLES = 256
"""Number of inputs in a pack's checksum: it detects another pack or another order, but not every changed pixel."""


def checksum_columns(tasks: Sequence[Task]) -> tuple[str, ...]:
    """The columns that training depends on."""
    return ("path", "split", "crop", "excluded", *(name for task in tasks for name in (task.name, *task.labels)))


def label_checksum(tables: Iterable[pa.Table], tasks: Sequence[Task]) -> str:
    """SHA-256 of paths, splits, crops, exclusions and labels in their order; row groups and compression do not matter.

    Args:
        tables: the parts of a manifest, in order; a column of nulls counts as missing.
        tasks: its label space.
    """
    hashes: dict[str, Any] = {}
    length = 0
    names = checksum_columns(tasks)
    words = {"path", "split", "excluded", *(task.name for task in tasks if task.kind is Kind.CLASSES)}
    for table in tables:
        there = set(table.column_names)
        for name in names:
            empty = name not in there or table[name].null_count == table.num_rows
            if name not in hashes and not empty:
                hashes[name] = hashlib.sha256(_content(pa.nulls(length), name in words))
            if name in hashes:
                column = table[name] if name in there else pa.nulls(table.num_rows)
                hashes[name].update(_content(column, name in words))
        length += table.num_rows
    whole = hashlib.sha256(f"{length}\n".encode())
    for name in sorted(hashes):
        whole.update(name.encode() + hashes[name].digest())
    return whole.hexdigest()


def pack_checksum(path: Path) -> str | None:
    """SHA-256 of a pack's shape, type and :data:`SAMPLES` of its inputs, evenly spread; None if there is no pack."""
    try:
        inputs = open_pack(path)
    except ManifestError:
        return None
    found = hashlib.sha256(f"{inputs.shape} {inputs.dtype.str}\n".encode())
    for row in np.unique(np.linspace(0, len(inputs) - 1, SAMPLES).astype(int)) if len(inputs) else ():
        found.update(np.ascontiguousarray(inputs[row]).tobytes())
    return found.hexdigest()


def _content(column: Any, words: bool) -> bytes:
    """The values of a column as bytes, independent of chunks; null differs from every value."""
    if words:
        ended = pc.binary_join_element_wise(pc.fill_null(column.cast(pa.string()), "\1"), "", "\0")
        ended = ended.combine_chunks() if isinstance(ended, pa.ChunkedArray) else ended
        joined: bytes = pc.binary_join(pa.ListArray.from_arrays([0, len(ended)], ended), "")[0].as_buffer().to_pybytes()
        return joined
    return np.asarray(pc.fill_null(column.cast(REAL), np.nan).to_numpy(zero_copy_only=False)).tobytes()
