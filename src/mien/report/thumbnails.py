"""Faces at their peaks, cut out of the video or the pictures again, as small JPEG files inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from PIL import Image

from mien.faces.detect import Pixels
from mien.media.picture import MediaError, read
from mien.media.sampler import FrameSampler
from mien.report.scan import Peak

SIDE = 176
"""Pixels of a thumbnail."""

ROOM = 1.7
"""The side of a thumbnail, in sides of the face's box."""

NEAR = 0.002
"""Seconds by which a frame's time may differ from the table's."""


def thumbnails(
    peaks: Sequence[Peak], files: Mapping[str, Path], *, timed: bool, advance: Callable[[int], object] = lambda _: None
) -> tuple[dict[Peak, str], list[str]]:
    """A data URI for each peak that could be found, and a line for each input that could not be read.

    Args:
        peaks: where.
        files: input -> the file that holds it.
        timed: whether the inputs are videos.
        advance: told of each peak.
    """
    found: dict[Peak, str] = {}
    faults: list[str] = []
    for name, path in files.items():
        mine = sorted((peak for peak in peaks if peak.input == name), key=lambda peak: peak.time)
        try:
            for peak, pixels, scale in (_of_video if timed else _of_picture)(path, mine):
                if (uri := thumbnail(pixels, peak, scale)) is not None:
                    found[peak] = uri
                advance(1)
        except MediaError as error:
            faults.append(f"{path}: {error}")
    return found, faults


def thumbnail(pixels: Pixels, peak: Peak, scale: tuple[float, float]) -> str | None:
    """The face of a peak as a data URI; None if its box does not lie in the picture.

    Args:
        pixels: H x W x 3.
        peak: whose box is in pixels of the original.
        scale: pixels of ``pixels`` for one of the original, along x and along y.
    """
    x, y, width, height = peak.box
    middle = (x + width / 2) * scale[0], (y + height / 2) * scale[1]
    half = ROOM / 2 * max(width * scale[0], height * scale[1])
    high, wide = pixels.shape[:2]
    if not (half >= 1 and 0 <= middle[0] <= wide and 0 <= middle[1] <= high):
        return None
    side = min(max(2, round(2 * half)), high, wide)
    left = min(max(0, round(middle[0] - side / 2)), wide - side)
    top = min(max(0, round(middle[1] - side / 2)), high - side)
    whole = Image.fromarray(pixels).crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    stream = io.BytesIO()
    whole.save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


Shot = tuple[Peak, Pixels, tuple[float, float]]


def _of_video(path: Path, peaks: Sequence[Peak]) -> Iterator[Shot]:
    """Each frame that is wanted is sought on its own, so that a long video is not decoded; if it must be, then once."""
    times = sorted({peak.time for peak in peaks})
    with FrameSampler(path) as footage:
        passes = [times] if times and not footage.seekable else [[time] for time in times]
    for waiting in passes:
        yield from _in_one_pass(path, [peak for peak in peaks if peak.time in waiting])


def _in_one_pass(path: Path, peaks: Sequence[Peak]) -> Iterator[Shot]:
    """From the first peak to the last one; they are in the order of their times."""
    waiting = list(peaks)
    with FrameSampler(path, start=max(0.0, peaks[0].time - NEAR), end=peaks[-1].time + NEAR) as footage:
        for frame in footage:
            scale = frame.pixels.shape[1] / footage.width, frame.pixels.shape[0] / footage.height
            here = [peak for peak in waiting if -NEAR <= frame.time - peak.time < NEAR]
            yield from ((peak, frame.pixels, scale) for peak in here)
            waiting = [peak for peak in waiting if peak not in here]
            if not waiting:
                return


def _of_picture(path: Path, peaks: Sequence[Peak]) -> Iterator[Shot]:
    picture = read(path)
    for peak in peaks:
        yield peak, picture.pixels, (1 / picture.scale[0], 1 / picture.scale[1])
