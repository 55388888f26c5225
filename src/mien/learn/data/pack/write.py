"""The pack and its manifest as one: written beside each other, so that a kill leaves no half of a pair."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.faces.detect import Pixels
from mien.learn.data.manifest.manifest import MANIFEST, PACK, ManifestError, check_labels, write_manifest
from mien.media.picture import MediaError
from mien.tasks import Task

Row = dict[str, Any]

WORKERS = 2
"""Threads that read pictures."""


def begin(
    out: Path,
    rows: Sequence[Row],
    tasks: Sequence[Task],
    metadata: Mapping[str, Any],
    shape: tuple[int, ...],
    kind: type = np.uint8,
) -> Any:
    """Check the labels, before hours of work, and open an unfinished pack to fill: len(rows) x ``shape``.

    Raises:
        ManifestError: if there are no rows, a label is out of its range or vocabulary, or the folder holds another set.
    """
    if not rows:
        raise ManifestError(f"{out}: there are no pictures to prepare")
    check_labels(out / MANIFEST, rows, tasks)
    refuse_another(out, metadata)
    out.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(_partial(out), mode="w+", dtype=kind, shape=(len(rows), *shape))


def refuse_another(out: Path, metadata: Mapping[str, Any]) -> None:
    """ManifestError if the folder holds a manifest of another source; one of the same source may be made anew."""
    if not (out / MANIFEST).exists():
        return
    try:
        held = json.loads(pq.read_schema(out / MANIFEST).metadata[b"mien"]).get("source")
    except (AttributeError, KeyError, TypeError, ValueError):
        held = f"a {MANIFEST} that mien did not write"
    if held != metadata.get("source"):
        raise ManifestError(f"{out}: holds another data set ({held}); choose another folder, or remove that one first")


def finish(out: Path, pack: Any, rows: Sequence[Row], tasks: Sequence[Task], metadata: dict[str, Any]) -> None:
    """Put the filled pack in its place and write the manifest of its ``rows``, which have ``crop``."""
    pack.flush()
    (out / MANIFEST).unlink(missing_ok=True)  # it belongs to the pack that is replaced now
    _partial(out).replace(out / PACK)
    write_manifest(out / MANIFEST, rows, tasks, metadata)


def write(
    out: Path, inputs: NDArray[Any], rows: Sequence[Row], tasks: Sequence[Task], metadata: dict[str, Any]
) -> None:
    """Write inputs that are in memory, N x H x W x C uint8 or N x D float32, and the manifest of their rows.

    Raises:
        ManifestError: as :func:`begin` does.
    """
    pack = begin(out, rows, tasks, metadata, inputs.shape[1:], inputs.dtype.type)
    pack[:] = inputs
    finish(out, pack, [{**row, "crop": index} for index, row in enumerate(rows)], tasks, metadata)


def each(
    rows: Sequence[Row],
    read: Callable[[Row], Pixels],
    use: Callable[[int, Pixels], None],
    advance: Callable[[int], None],
) -> dict[int, str]:
    """Call ``use(index, picture)`` for every row in a few threads; one line for each picture that cannot be read.

    Args:
        rows: ``path`` names the picture in messages.
        read: gives the H x W x 3 uint8 picture of a row, or raises MediaError or OSError.
        use: what to do with it; called for several rows at a time.
        advance: called with 1 after each row, for a progress bar.
    """
    failures: dict[int, str] = {}

    def one(index: int) -> None:
        try:
            picture = read(rows[index])
        except (MediaError, OSError) as error:
            failures[index] = f"{rows[index]['path']}: {error}"
            return
        use(index, picture)

    with ThreadPoolExecutor(WORKERS) as workers:
        for _ in workers.map(one, range(len(rows))):
            advance(1)
    return failures


def _partial(out: Path) -> Path:
    return out / (PACK + ".partial")
