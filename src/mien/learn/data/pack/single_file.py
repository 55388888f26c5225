"""Write a pack as one file, ``crops.npy``, with its manifest: for inputs in memory or computed batch by batch.

Imported pictures go through :mod:`mien.learn.data.pack.prepare` instead, which writes shards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import MANIFEST, PACK, ManifestError, Row
from mien.learn.data.manifest.write import check_labels, refuse_another, write_manifest
from mien.tasks import Task


def write(
    out: Path, inputs: NDArray[Any], rows: Sequence[Row], tasks: Sequence[Task], metadata: Mapping[str, Any]
) -> None:
    """Write inputs that are in memory and the manifest of their rows.

    Args:
        out: folder; created if it does not exist.
        inputs: pictures, N x H x W x C uint8, or feature vectors, N x D float32.
        rows: N rows in the same order, with ``path``, ``split`` and labels.
        tasks: the label space of the rows.
        metadata: source, licence, which labels are weak; JSON-ready.

    Raises:
        ManifestError: as :func:`create_pack`.
    """
    pack = create_pack(out, rows, tasks, metadata, inputs.shape[1:], inputs.dtype.type)
    pack[:] = inputs
    finish_pack(out, pack, [{**row, "crop": index} for index, row in enumerate(rows)], tasks, metadata)


def create_pack(
    out: Path,
    rows: Sequence[Row],
    tasks: Sequence[Task],
    metadata: Mapping[str, Any],
    shape: tuple[int, ...],
    kind: type,
) -> Any:
    """Check the labels before the long work starts, and create an empty pack to fill: len(rows) x ``shape``.

    Raises:
        ManifestError: if there are no rows, if a label is outside its range or vocabulary, or if the folder holds
            another data set.
    """
    if not rows:
        raise ManifestError(f"{out}: no pictures to prepare")
    check_labels(out / MANIFEST, rows, tasks)
    refuse_another(out, metadata)
    out.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(_partial(out), mode="w+", dtype=kind, shape=(len(rows), *shape))


def finish_pack(out: Path, pack: Any, rows: Sequence[Row], tasks: Sequence[Task], metadata: Mapping[str, Any]) -> None:
    """Move a filled pack into place and write the manifest of its ``rows``, which have ``crop``.

    If killed, it leaves the old pair, or the new pack without a manifest, but never a manifest with the wrong pack.
    """
    pack.flush()
    (out / MANIFEST).unlink(missing_ok=True)  # it belongs to the pack that is replaced next
    _partial(out).replace(out / PACK)
    write_manifest(out / MANIFEST, rows, tasks, metadata)


def _partial(out: Path) -> Path:
    return out / (PACK + ".partial")
