"""The faces that a tool, ours or another, found in pictures, before they are matched to the rows of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.tasks import Task


@dataclass(frozen=True, eq=False)
class Detections:
    """M faces and what the tool predicts for them.

    Args:
        tasks: what the tool predicts; of attributes and continuous values, only the labels that it has.
        pictures: M, the picture of each face, as the tool names it: a path, the end of a path, or a name without
            suffix.
        frames: M, the number of the frame, from 0; NaN for a picture that is not a frame of a video.
        boxes: M x 4, x, y, width and height in pixels of the picture; NaN if the tool reports none.
        outputs: for each task, M x labels: probabilities, or values in [-1, 1]. If all classes of a row are 0, the face
            shows none of them.
        notes: lines that a reader of the metrics needs to know.
    """

    tasks: tuple[Task, ...]
    pictures: tuple[str, ...]
    frames: NDArray[np.float64]
    boxes: NDArray[np.float64]
    outputs: Mapping[str, NDArray[np.floating]]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)
