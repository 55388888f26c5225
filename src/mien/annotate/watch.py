"""Frames of a video -> what is read of each, in chunks: while the network reads, the next frames are searched."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.annotate.options import VideoOptions
from mien.annotate.pipeline import HELD_BYTES, Annotator
from mien.annotate.result import Result
from mien.annotate.schema import face_rows
from mien.faces.detect import Face, Pixels
from mien.faces.follow import Follower
from mien.faces.track import Tracker, largest
from mien.media.picture import MediaError, Picture
from mien.media.prefetch import prefetch
from mien.media.sampler import Frame, FrameSampler

FRAMES, SECONDS, FACES = 8, 0.25, 256
"""A chunk ends with so many frames, before so many seconds of video, or with so many faces, whatever comes first; or
when the pictures that it keeps, if any are asked for, are too large. At most three of them are on their way at once, so
a kill loses less than a second.

The frames alone decide, never the clock: a run that goes on behind a chunk has the same chunks as one that was never
stopped, hence feeds the network the same batches, and so ends with the same bits."""

DECODED, FOUND = 3, 2
"""Frames that wait for the search for faces, and those that wait until these are cut out."""

Floats = NDArray[np.float64]

BOX = ("x", "y", "width", "height")


@dataclass(frozen=True)
class _Found:
    """A frame and its faces: in its own pixels, and in those of the original."""

    frame: Frame
    seen: Sequence[Face]
    faces: Sequence[Face]
    tracks: Sequence[int | None]


@dataclass(frozen=True)
class _Look:
    """A frame whose faces wait for the network."""

    number: int
    time: float
    faces: Sequence[Face]
    tracks: Sequence[int | None]
    crops: Sequence[Pixels]
    picture: Picture | None


def watch(
    annotator: Annotator,
    footage: FrameSampler,
    options: VideoOptions,
    *,
    before: Iterable[pa.RecordBatch] = (),
    pictures: bool = False,
) -> Generator[list[Result], None, None]:
    """What is read of each frame, a list of results a chunk; to be closed if it is not taken to its end.

    Decoding, looking for faces, cutting them out and the network run at the same time, in four threads; a bounded
    number of frames waits between them, so memory does not grow.

    Args:
        annotator: with the networks.
        footage: is iterated over; it stays open.
        options: quality and max_faces are used here.
        before: rows of an earlier run up to where ``footage`` goes on, for the tracks.
        pictures: whether results keep their frame's pixels.

    Raises:
        MediaError: where the video is damaged, after all chunks before it.
    """
    finder, cut = _Finder(annotator, footage, options), _Cutter(annotator, footage, pictures)
    for boxes, scores, time in _seen_boxes(before):
        finder.remember(boxes, scores, time)
    with (
        closing(prefetch(footage, DECODED)) as frames,
        closing(prefetch(map(finder, frames), FOUND)) as found,
        closing(prefetch(_chunks(map(cut, found)), 1)) as chunks,
    ):
        for chunk in chunks:
            yield _read(annotator, footage.name, chunk)


class _Finder:
    """Finds and follows the faces of one frame after the other.

    What it does depends on the boxes, scores and times of earlier frames alone, which the table has.
    """

    def __init__(self, annotator: Annotator, footage: FrameSampler, options: VideoOptions) -> None:
        self._annotator, self._footage, self._options = annotator, footage, options
        self._follow, self._track = Follower(annotator.detector, options.quality), Tracker()
        self._frames, self._boxes = 0, np.zeros((0, 4))

    def remember(self, boxes: Floats, scores: Sequence[float] | Floats, time: float) -> list[int | None]:
        """Take note of the faces of a frame; returns their tracks."""
        self._frames, self._boxes = self._frames + 1, boxes
        return self._track(boxes, scores, time)

    def __call__(self, frame: Frame) -> _Found:
        height, width = frame.pixels.shape[:2]
        scale = self._footage.width / width, self._footage.height / height
        least = self._annotator.min_size / max(scale)
        seen = self._follow(frame.pixels, self._frames, self._boxes / (scale * 2))
        seen = [face for face in seen if min(face.box[2:]) >= least]
        faces = [_in_original(face, scale) for face in seen]
        boxes = np.array([face.box for face in faces], np.float64).reshape(-1, 4)
        kept = largest(boxes, self._track.known(boxes, frame.time), self._options.max_faces)
        seen, faces = [seen[at] for at in kept], [faces[at] for at in kept]
        tracks = self.remember(boxes[kept], [face.score for face in faces], frame.time)
        return _Found(frame, seen, faces, tracks)


class _Cutter:
    """Cuts out the faces that were found, and lets go of the frame unless it is asked for."""

    def __init__(self, annotator: Annotator, footage: FrameSampler, pictures: bool) -> None:
        self._annotator, self._footage, self._pictures = annotator, footage, pictures

    def __call__(self, found: _Found) -> _Look:
        frame, footage = found.frame, self._footage
        crops = self._annotator.crops(frame.pixels, found.seen)
        picture = Picture(footage.name, frame.pixels, footage.width, footage.height) if self._pictures else None
        return _Look(frame.number, frame.time, found.faces, found.tracks, crops, picture)


def _in_original(face: Face, scale: tuple[float, float]) -> Face:
    """The face in pixels of the original, in the precision of the table: what is tracked can be read back from it."""
    box = np.float32(np.multiply(face.box, scale * 2)).tolist()
    return Face((box[0], box[1], box[2], box[3]), float(np.float32(face.score)), np.float32(face.landmarks * scale))


def _chunks(looks: Iterable[_Look]) -> Iterator[list[_Look]]:
    """Cut where the frames say; a chunk before damage is given before the damage is raised."""
    held: list[_Look] = []
    try:
        for look in looks:
            full = len(held) >= FRAMES or sum(len(before.faces) for before in held) >= FACES
            full |= sum(before.picture.pixels.nbytes for before in held if before.picture) >= HELD_BYTES
            if held and (full or look.time - held[0].time >= SECONDS):
                yield held
                held = []
            held.append(look)
    except MediaError:
        if held:
            yield held
        raise
    if held:
        yield held


def _read(annotator: Annotator, name: str, chunk: Sequence[_Look]) -> list[Result]:
    """Let the network read all crops of a chunk, and hand the rows back to their frames."""
    outputs = annotator.outputs([crop for look in chunk for crop in look.crops])
    results, start = [], 0
    for look in chunk:
        stop = start + len(look.faces)
        mine = {task: values[start:stop] for task, values in outputs.items()}
        place = {"input": name, "frame": look.number, "time": look.time}
        rows = face_rows(place, look.faces, mine, annotator.tasks, tracks=look.tracks)
        results.append(Result(name, rows, picture=look.picture, crops=look.crops, frame=look.number, time=look.time))
        start = stop
    return results


def _seen_boxes(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Floats, Floats, float]]:
    """Boxes, scores and time of each frame that an earlier run looked at, as its tracker saw them."""
    for batch in batches:
        columns = [np.asarray(batch[name].cast(pa.float64()).to_numpy(zero_copy_only=False)) for name in BOX]
        boxes, scores = np.stack(columns, 1), batch["score"].cast(pa.float64()).to_numpy(zero_copy_only=False)
        frames, times = batch["frame"].to_numpy(), batch["time"].to_numpy()
        for rows in np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames)) + 1):
            there = rows[np.isfinite(boxes[rows, 0])]
            yield boxes[there], scores[there], float(times[rows[0]])
