"""Annotates the frames of a video in chunks: decoding, detection and the network run at the same time."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.annotate.options import VideoOptions
from mien.annotate.result import MAX_PENDING_BYTES, Result
from mien.annotate.schema import face_rows
from mien.faces.detect import Detector, Face, Pixels
from mien.faces.follow import Follower
from mien.faces.track import Tracker, largest
from mien.media.picture import MediaError, Picture
from mien.media.prefetch import prefetch
from mien.media.sampler import Frame, FrameSampler
from mien.tasks import Task

FRAMES, SECONDS, FACES = 8, 0.25, 256
"""Limits of a chunk: frames, seconds of video, and faces, whichever comes first; and the memory of its pictures.
At most three chunks are in progress at once, so a kill loses less than a second.

Chunks depend on the frames alone, not on the clock: a run that resumes after a chunk has the same chunks as an
uninterrupted one, hence the same network batches and the same bits in the table."""

DECODED, DETECTED = 3, 2
"""Maximum number of frames that wait for detection, and of frames that wait for their faces to be cut out."""

Floats = NDArray[np.float64]

BOX = ("x", "y", "width", "height")


class FacePredictor(Protocol):
    """What :func:`watch` needs from an annotator; see :class:`mien.annotate.pipeline.Annotator`."""

    detector: Detector
    min_size: int
    tasks: tuple[Task, ...]

    def crops(self, pixels: Pixels, faces: Sequence[Face]) -> list[Pixels]:
        """Cut out the aligned crops of faces."""

    def outputs(self, crops: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        """The values of the label columns: task name -> N x labels."""


@dataclass(frozen=True)
class _DetectedFrame:
    """A frame and its faces, in its own pixels (``detected``) and in those of the original (``faces``)."""

    frame: Frame
    detected: Sequence[Face]
    faces: Sequence[Face]
    tracks: Sequence[int | None]


@dataclass(frozen=True)
class _CroppedFrame:
    """A frame whose crops wait for the network."""

    number: int
    time: float
    faces: Sequence[Face]
    tracks: Sequence[int | None]
    crops: Sequence[Pixels]
    picture: Picture | None


def watch(
    predictor: FacePredictor,
    sampler: FrameSampler,
    options: VideoOptions,
    *,
    before: Iterable[pa.RecordBatch] = (),
    pictures: bool = False,
) -> Generator[list[Result], None, None]:
    """Yield the results of the frames, one list per chunk. Close the generator if you do not exhaust it.

    Decoding, detection, cropping and the network run in four threads at the same time; a bounded number of frames waits
    between them, so memory does not grow.

    Args:
        predictor: the networks.
        sampler: the video; it is not closed.
        options: only ``quality`` and ``max_faces`` are used.
        before: rows of an earlier run, up to the frame after which ``sampler`` resumes; they continue the tracks.
        pictures: whether the results include their frame as ``picture``.

    Raises:
        MediaError: if the video is damaged, after all chunks before the damage.
    """
    detect, crop = _FrameDetector(predictor, sampler, options), _Cropper(predictor, sampler, pictures)
    for boxes, scores, time in _earlier_boxes(before):
        detect.remember(boxes, scores, time)
    with (
        closing(prefetch(sampler, DECODED)) as frames,
        closing(prefetch(map(detect, frames), DETECTED)) as detected,
        closing(prefetch(_chunks(map(crop, detected)), 1)) as chunks,
    ):
        for chunk in chunks:
            yield _predict(predictor, sampler.name, chunk)


class _FrameDetector:
    """Detects and tracks faces, frame by frame.

    Its results depend only on the frame and on the boxes, scores and times of earlier frames, which are in the table.
    """

    def __init__(self, predictor: FacePredictor, sampler: FrameSampler, options: VideoOptions) -> None:
        self._predictor, self._sampler, self._options = predictor, sampler, options
        self._follow, self._track = Follower(predictor.detector, options.quality), Tracker()
        self._frames, self._boxes = 0, np.zeros((0, 4))

    def remember(self, boxes: Floats, scores: Sequence[float] | Floats, time: float) -> list[int | None]:
        """Add the faces of a frame to the tracks; return their tracks."""
        self._frames, self._boxes = self._frames + 1, boxes
        return self._track(boxes, scores, time)

    def __call__(self, frame: Frame) -> _DetectedFrame:
        height, width = frame.pixels.shape[:2]
        scale = self._sampler.width / width, self._sampler.height / height
        smallest = self._predictor.min_size / max(scale)
        detected = self._follow(frame.pixels, self._frames, self._boxes / (scale * 2))
        detected = [face for face in detected if min(face.box[2:]) >= smallest]
        faces = [_in_original(face, scale) for face in detected]
        boxes = np.array([face.box for face in faces], np.float64).reshape(-1, 4)
        kept = largest(boxes, self._track.known(boxes, frame.time), self._options.max_faces)
        detected, faces = [detected[at] for at in kept], [faces[at] for at in kept]
        tracks = self.remember(boxes[kept], [face.score for face in faces], frame.time)
        return _DetectedFrame(frame, detected, faces, tracks)


class _Cropper:
    """Cuts out the detected faces, and drops the frame unless pictures are kept."""

    def __init__(self, predictor: FacePredictor, sampler: FrameSampler, pictures: bool) -> None:
        self._predictor, self._sampler, self._pictures = predictor, sampler, pictures

    def __call__(self, detected: _DetectedFrame) -> _CroppedFrame:
        frame, sampler = detected.frame, self._sampler
        crops = self._predictor.crops(frame.pixels, detected.detected)
        picture = Picture(sampler.name, frame.pixels, sampler.width, sampler.height) if self._pictures else None
        return _CroppedFrame(frame.number, frame.time, detected.faces, detected.tracks, crops, picture)


def _in_original(face: Face, scale: tuple[float, float]) -> Face:
    """The face in pixels of the original, in the table's precision, so that tracks can be rebuilt from the table."""
    box = np.float32(np.multiply(face.box, scale * 2)).tolist()
    return Face((box[0], box[1], box[2], box[3]), float(np.float32(face.score)), np.float32(face.landmarks * scale))


def _chunks(frames: Iterable[_CroppedFrame]) -> Iterator[list[_CroppedFrame]]:
    """Group frames into chunks; the frames before damage are yielded before the damage is raised."""
    held: list[_CroppedFrame] = []
    try:
        for frame in frames:
            full = len(held) >= FRAMES or sum(len(before.faces) for before in held) >= FACES
            full |= sum(before.picture.pixels.nbytes for before in held if before.picture) >= MAX_PENDING_BYTES
            if held and (full or frame.time - held[0].time >= SECONDS):
                yield held
                held = []
            held.append(frame)
    except MediaError:
        if held:
            yield held
        raise
    if held:
        yield held


def _predict(predictor: FacePredictor, name: str, chunk: Sequence[_CroppedFrame]) -> list[Result]:
    """Predict for all crops of a chunk, and return the result of each frame."""
    outputs = predictor.outputs([crop for frame in chunk for crop in frame.crops])
    results, start = [], 0
    for frame in chunk:
        stop = start + len(frame.faces)
        own = {task: values[start:stop] for task, values in outputs.items()}
        place = {"input": name, "frame": frame.number, "time": frame.time}
        rows = face_rows(place, frame.faces, own, predictor.tasks, tracks=frame.tracks)
        results.append(
            Result(name, rows, picture=frame.picture, crops=frame.crops, frame=frame.number, time=frame.time)
        )
        start = stop
    return results


def _earlier_boxes(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Floats, Floats, float]]:
    """Boxes, scores and time of each frame of an earlier run, as its tracker saw them."""
    for batch in batches:
        columns = [np.asarray(batch[name].cast(pa.float64()).to_numpy(zero_copy_only=False)) for name in BOX]
        boxes, scores = np.stack(columns, 1), batch["score"].cast(pa.float64()).to_numpy(zero_copy_only=False)
        frames, times = batch["frame"].to_numpy(), batch["time"].to_numpy()
        for rows in np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames)) + 1):
            present = rows[np.isfinite(boxes[rows, 0])]
            yield boxes[present], scores[present], float(times[rows[0]])
