"""Videos that tests write themselves."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest


def write_video(path: Path, frames: Sequence[np.ndarray]) -> Path:
    """H x W x 3 uint8 frames as a video of 25 a second; sides must be even."""
    import av

    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 4_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def make_video() -> Callable[..., Path]:
    return write_video
