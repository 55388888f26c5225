"""Sample a manifest: choose the rows to exclude so that a part remains; the same seed gives the same part."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest.codes import column_codes, video_codes
from mien.learn.data.manifest.columns import ManifestError

Rows = NDArray[np.bool_]


def every(table: pa.Table, kept: Rows, *, frames: int) -> Mapping[str, Rows]:
    """The ``frames - 1`` frames after each kept frame, in each video, starting with its first frame.

    Frames are counted by their numbers: if the next frame to keep is missing, the one after it is kept. All faces of a
    frame are kept or excluded together. Rows without a frame are kept.
    """
    if "frame" not in table.column_names:
        raise ManifestError("has no column frame to count by")
    numbers = table["frame"]
    counted = np.flatnonzero(kept & np.asarray(pc.is_valid(numbers)))
    frame = np.asarray(pc.fill_null(numbers, 0).to_numpy()).astype(np.int64)[counted]
    video = video_codes(table)[counted]
    order = np.lexsort((frame, video))
    dropped = np.zeros(len(kept), bool)
    ends = np.append(np.flatnonzero(np.diff(video[order])) + 1, len(order))
    for start, end in zip(np.append(0, ends[:-1]), ends, strict=True):
        dropped[counted[order[start:end]]] = _between(frame[order[start:end]], frames)
    return {f"not one frame in {frames}": dropped}


def rows(table: pa.Table, kept: Rows, *, count: int, seed: int, split: str | None = None) -> Mapping[str, Rows]:
    """All but ``count`` random rows, of one split or of all splits."""
    return {f"not in the sample of {count}": _all_but(np.flatnonzero(kept & _of(table, split)), len(kept), count, seed)}


def per_class(
    table: pa.Table, kept: Rows, *, task: str, count: int, seed: int, split: str | None = None
) -> Mapping[str, Rows]:
    """All but ``count`` random rows of each class of a task; rows without its label are kept."""
    if task not in table.column_names:
        raise ManifestError(f"has no column {task} to sample by")
    among = kept & _of(table, split) & np.asarray(pc.is_valid(table[task]))
    classes = column_codes(table[task])
    dropped = np.zeros(len(kept), bool)
    for index in np.unique(classes[among]):
        dropped |= _all_but(np.flatnonzero(among & (classes == index)), len(kept), count, seed)
    return {f"not among the {count} of its {task}": dropped}


def _between(frames: NDArray[np.int64], step: int) -> Rows:
    """Which of these frames, in order, are too close to the previous kept frame."""
    skipped = np.ones(len(frames), bool)
    place = 0
    while place < len(frames):
        same = int(np.searchsorted(frames, frames[place], "right"))
        skipped[place:same] = False
        place = int(np.searchsorted(frames, frames[place] + step))
    return skipped


def _all_but(members: NDArray[np.int_], length: int, count: int, seed: int) -> Rows:
    dropped = np.zeros(length, bool)
    dropped[np.random.default_rng(seed).permutation(members)[count:]] = True
    return dropped


def _of(table: pa.Table, split: str | None) -> Rows:
    if split is None:
        return np.ones(table.num_rows, bool)
    found = np.asarray(pc.fill_null(pc.equal(table["split"], split), False))
    if not found.any():
        raise ManifestError(f"has no rows of split {split!r}")
    return found
