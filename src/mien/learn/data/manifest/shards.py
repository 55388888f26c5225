"""Read a pack that is stored in shards: numbered files, each complete in itself, that act as one array.

A shard is a ``.npy`` file of pictures, uint8, n x H x W x C. File names count from 00000 without a gap, and crops are
numbered across all shards. A shard is moved into place when it is complete, so a killed run loses only unfinished
shards.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARDS = "crops"
"""The folder of the shards, next to the manifest."""

OPEN = 256
"""Number of shards that are mapped at the same time: each keeps a file open, and open files are limited."""


def shard_path(folder: Path, number: int) -> Path:
    """The file of a shard in the folder of the shards."""
    return folder / f"{number:05d}.npy"


class Shards:
    """All shards of a folder as one array; each is memory-mapped when it is needed.

    Args:
        folder: the folder of the shards.

    Raises:
        ValueError: if there are none, or one is missing, cannot be read, or differs from the first in shape or type.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        count = len([*folder.glob("[0-9]*.npy")])
        if not count:
            raise ValueError(f"{folder}: no shards found")
        self._open = lru_cache(maxsize=OPEN)(self._map)
        headers = []
        for number in range(count):
            mapped = self._map(number)
            headers.append((mapped.dtype, mapped.shape))
        self.dtype = headers[0][0]
        inner = headers[0][1][1:]
        for number, (dtype, shape) in enumerate(headers):
            if (dtype, shape[1:]) != (self.dtype, inner):
                raise ValueError(
                    f"{shard_path(folder, number)}: holds {dtype} of shape {shape}, unlike the first shard"
                )
        self._ends = np.cumsum([shape[0] for _, shape in headers])
        self.shape: tuple[int, ...] = (int(self._ends[-1]), *inner)

    @property
    def ndim(self) -> int:
        """Dimensions of the whole array."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Copies of these rows, given as integers, a slice or a mask."""
        wanted = np.arange(len(self))[rows]
        numbers = np.atleast_1d(wanted)
        crops = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        shards = np.searchsorted(self._ends, numbers, side="right")
        for shard in np.unique(shards):
            here = shards == shard
            mapped = self._open(int(shard))
            crops[here] = mapped[numbers[here] - (self._ends[shard] - len(mapped))]
        return crops if np.ndim(wanted) else crops[0]

    def _map(self, number: int) -> NDArray[Any]:
        path = shard_path(self.folder, number)
        try:
            mapped: NDArray[Any] = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"{path}: the shard cannot be read ({error})") from None
        return mapped
