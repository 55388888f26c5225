"""What a tool says of the faces that it found in pictures, ours or another: before it is known whose faces they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.tasks import Task


@dataclass(frozen=True, eq=False)
class Detections:
    """The M faces of a tool's table.

    Args:
        tasks: what the tool predicts: of attributes and continuous values the labels that it knows.
        pictures: M, the picture of each face, as the tool names it; a path, its end, or the name without suffix.
        frames: M, number of the frame from 0 on; NaN where the picture is no video's.
        boxes: M x 4, x, y, width and height in pixels of the picture; NaN where the tool does not tell.
        outputs: of each task, M x labels: probabilities, or values in [-1, 1]. A row of classes that holds nothing but
            0 says that the face shows none of them.
        notes: what has to be known to read the figures, a line each.
    """

    tasks: tuple[Task, ...]
    pictures: tuple[str, ...]
    frames: NDArray[np.float64]
    boxes: NDArray[np.float64]
    outputs: Mapping[str, NDArray[np.floating]]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)
