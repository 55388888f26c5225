"""Thumbnails of faces at their peaks, cut from the video or the pictures, as data URIs for a page."""

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
"""The side of a thumbnail in pixels."""

MARGIN = 1.7
"""The side of a thumbnail, relative to the longer side of the face's box."""

TOLERANCE = 0.002
"""The time of a frame may differ from that in the table by this many seconds."""


def thumbnails(
    peaks: Sequence[Peak], files: Mapping[str, Path], *, timed: bool, advance: Callable[[int], object] = lambda _: None
) -> tuple[dict[Peak, str], list[str]]:
    """Cut out the face of each peak.

    Args:
        peaks: the peaks of a table.
        files: input -> its file.
        timed: whether the inputs are videos.
        advance: called with 1 after each peak.

    Returns:
        A data URI for each peak that was found, and a line for each input that could not be read.
    """
    found: dict[Peak, str] = {}
    errors: list[str] = []
    for name, path in files.items():
        mine = sorted((peak for peak in peaks if peak.input == name), key=lambda peak: peak.time)
        try:
            for peak, pixels, scale in (_from_video if timed else _from_picture)(path, mine):
                if (uri := thumbnail(pixels, peak, scale)) is not None:
                    found[peak] = uri
                advance(1)
        except MediaError as error:
            errors.append(f"{path}: {error}")
    return found, errors


def thumbnail(pixels: Pixels, peak: Peak, scale: tuple[float, float]) -> str | None:
    """The face of a peak as a data URI; None if its box is not inside the picture.

    Args:
        pixels: H x W x 3.
        peak: a peak of this picture; its box is in pixels of the original.
        scale: the size of ``pixels`` relative to the original, along x and along y.
    """
    x, y, width, height = peak.box
    middle = (x + width / 2) * scale[0], (y + height / 2) * scale[1]
    half = MARGIN / 2 * max(width * scale[0], height * scale[1])
    high, wide = pixels.shape[:2]
    if not (half >= 1 and 0 <= middle[0] <= wide and 0 <= middle[1] <= high):
        return None
    side = min(max(2, round(2 * half)), high, wide)
    left = min(max(0, round(middle[0] - side / 2)), wide - side)
    top = min(max(0, round(middle[1] - side / 2)), high - side)
    face = Image.fromarray(pixels).crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    stream = io.BytesIO()
    face.save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


Shot = tuple[Peak, Pixels, tuple[float, float]]


def _from_video(path: Path, peaks: Sequence[Peak]) -> Iterator[Shot]:
    """Seek each frame, so that a long video is not decoded as a whole; decode it once if it is not seekable."""
    times = sorted({peak.time for peak in peaks})
    with FrameSampler(path) as sampler:
        passes = [times] if times and not sampler.seekable else [[time] for time in times]
    for wanted in passes:
        yield from _in_one_pass(path, [peak for peak in peaks if peak.time in wanted])


def _in_one_pass(path: Path, peaks: Sequence[Peak]) -> Iterator[Shot]:
    """Decode from the first peak to the last; ``peaks`` are in the order of their times."""
    waiting = list(peaks)
    with FrameSampler(path, start=max(0.0, peaks[0].time - TOLERANCE), end=peaks[-1].time + TOLERANCE) as sampler:
        for frame in sampler:
            scale = frame.pixels.shape[1] / sampler.width, frame.pixels.shape[0] / sampler.height
            here = [peak for peak in waiting if -TOLERANCE <= frame.time - peak.time < TOLERANCE]
            yield from ((peak, frame.pixels, scale) for peak in here)
            waiting = [peak for peak in waiting if peak not in here]
            if not waiting:
                return


def _from_picture(path: Path, peaks: Sequence[Peak]) -> Iterator[Shot]:
    picture = read(path)
    for peak in peaks:
        yield peak, picture.pixels, (1 / picture.scale[0], 1 / picture.scale[1])
