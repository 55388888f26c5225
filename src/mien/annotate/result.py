"""The result for a picture or for a frame of a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mien.annotate.schema import Row
from mien.faces.detect import Pixels
from mien.media.picture import Picture

MAX_PENDING_BYTES = 64_000_000
"""Maximum memory of the pictures that wait for a batch to fill."""


@dataclass(frozen=True)
class Result:
    """The result for a picture or for a frame of a video.

    Args:
        name: name of the input.
        rows: one per face, or one with the note "no face found"; empty if the input could not be read.
        picture: the picture, if it could be read; for frames of a video only if requested.
        error: why the input could not be read, or None.
        crops: the aligned crops, size x size x 3 uint8, one per face.
        frame: number of the frame in its video.
        time: time of the frame in seconds; None for a picture.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    picture: Picture | None = None
    error: str | None = None
    crops: Sequence[Pixels] = ()
    frame: int = 0
    time: float | None = None
