"""Options for videos: everything the rows depend on besides the networks."""

from __future__ import annotations

from dataclasses import dataclass

from mien.faces.follow import QUALITIES


@dataclass(frozen=True)
class VideoOptions:
    """Which frames of a video are annotated, and how faces are detected.

    Args:
        every: sample every n-th frame.
        fps: sample at most this many frames per second; not together with ``every``.
        start: time of the first frame, in seconds.
        end: time in seconds at which to stop.
        quality: how often the whole frame is searched for faces (:data:`mien.faces.follow.QUALITIES`).
        max_faces: annotate at most this many faces of a frame, the largest; None for all.

    Raises:
        ValueError: for a value out of range; the message is one line.
    """

    every: int = 1
    fps: float | None = None
    start: float | None = None
    end: float | None = None
    quality: str = "balanced"
    max_faces: int | None = None

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every must be at least 1, not {self.every}")
        if self.fps is not None and not self.fps > 0:
            raise ValueError(f"fps must be more than 0, not {self.fps:g}")
        if self.fps is not None and self.every > 1:
            raise ValueError("every and fps cannot be combined")
        if self.start is not None and self.start < 0:
            raise ValueError(f"start must be 0 or more seconds, not {self.start:g}")
        if self.end is not None and not self.end > (self.start or 0):
            raise ValueError(f"end must be after start, not at {self.end:g} seconds")
        if self.quality not in QUALITIES:
            raise ValueError(f"quality must be one of {', '.join(QUALITIES)}, not {self.quality}")
        if self.max_faces is not None and self.max_faces < 1:
            raise ValueError(f"max_faces must be at least 1, not {self.max_faces}")
