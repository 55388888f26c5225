"""What became of one picture, or of one frame of a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mien.annotate.schema import Row
from mien.faces.detect import Pixels
from mien.media.picture import Picture


@dataclass(frozen=True)
class Result:
    """What became of one input, or of one frame of a video.

    Args:
        name: the input.
        rows: one a face, or one with the note "no face found"; empty if it could not be read.
        picture: the picture that was read, if it was; of a video's frames only where they were asked for.
        error: why it could not be read, if it could not.
        crops: the aligned crops that the network read, size x size x 3 uint8, one a face.
        frame: number of the frame in its video.
        time: of the frame, in seconds; None for a picture.
    """

    name: str
    rows: list[Row] = field(default_factory=list)
    picture: Picture | None = None
    error: str | None = None
    crops: Sequence[Pixels] = ()
    frame: int = 0
    time: float | None = None
