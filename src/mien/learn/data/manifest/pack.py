"""Open the pack next to a manifest: its pictures or feature vectors, memory-mapped from one file or from shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import ManifestError
from mien.learn.data.manifest.shards import SHARDS, Shards

CHUNK = 4096
"""Number of feature vectors that are checked at a time."""

Pack = NDArray[np.uint8] | NDArray[np.float32] | Shards


def open_pack(path: Path) -> Pack:
    """Map a pack without checks: the file, or, if there is none, the shards in the folder ``crops`` next to it.

    Raises:
        ManifestError: if it is missing or cannot be read.
    """
    try:
        shards = path.parent / SHARDS
        pack: Pack = Shards(shards) if shards.is_dir() and not path.exists() else np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: the pack cannot be read ({error})") from None
    return pack


def read_pack(path: Path) -> Pack:
    """Open a pack and check that it holds pictures or finite feature vectors.

    Raises:
        ManifestError: if it does not.
    """
    pack = open_pack(path)
    pictures = pack.dtype == np.uint8 and pack.ndim == 4 and pack.shape[3] in (1, 3)
    vectors = pack.dtype == np.float32 and pack.ndim == 2
    if not (pictures or vectors) or 0 in pack.shape[1:]:
        expected = "uint8, N x height x width x 1 or 3 (pictures), or float32, N x length (feature vectors)"
        raise ManifestError(f"{path}: holds {pack.dtype} of shape {pack.shape}; expected {expected}")
    for start in range(0, len(pack) if vectors else 0, CHUNK):
        finite = np.isfinite(pack[start : start + CHUNK]).all(1)
        if not finite.all():
            raise ManifestError(f"{path}: feature vector {start + int(finite.argmin())} holds NaN or infinity")
    return pack
