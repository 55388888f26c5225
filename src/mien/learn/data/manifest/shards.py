"""A pack in shards: numbered files, each finished by itself, that are read as one array.

A shard is a ``.npy`` file of pictures, uint8, n x H x W x C; the numbers of their names run from 00000 without a gap,
and a crop's row is counted through all of them. A shard is written beside its place and put there whole, so that a
kill costs only the shards in work.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARDS = "crops"
"""The folder of the shards, beside the manifest."""

OPEN = 256
"""Shards that are mapped at a time: each holds a file open, and a process may not hold many."""


def shard_path(folder: Path, number: int) -> Path:
    """Where a shard lies in the folder of the shards."""
    return folder / f"{number:05d}.npy"


class Shards:
    """All shards of a folder, memory-mapped when they are needed.

    Args:
        folder: of the shards.

    Raises:
        ValueError: if there are none, one is missing, cannot be read, or is not like the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        count = len([*folder.glob("[0-9]*.npy")])
        if not count:
            raise ValueError(f"{folder}: there are no shards")
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
        """Of the whole array."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Copies of these rows: whole numbers, a slice or a mask."""
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
