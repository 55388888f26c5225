"""Chunks of frames: they depend on the frames alone, and their size is bounded."""

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mien.annotate.options import VideoOptions
from mien.annotate.pipeline import Annotator
from mien.annotate.result import Result
from mien.annotate.watch import watch
from mien.faces.detect import Face
from mien.media.reader import Position
from mien.media.sampler import FrameSampler

Clip = Callable[..., Path]
POINTS = np.array([[20, 20], [40, 20], [30, 30], [22, 40], [38, 40]], np.float32)


def chunks(annotator: Annotator, source: Path, **options: object) -> list[list[Result]]:
    with FrameSampler(source, **options) as frames:
        return list(watch(annotator, frames, annotator.video))


def test_chunks_are_cut_by_frames_and_by_seconds(network: Path, clip: Clip) -> None:
    annotator = Annotator(network, threads=1)
    assert [len(chunk) for chunk in chunks(annotator, clip(60))] == [*[8] * 7, 4]
    assert [len(chunk) for chunk in chunks(annotator, clip(60), every=4)] == [*[2] * 7, 1]  # a quarter of a second each


def test_resuming_yields_the_same_chunks(network: Path, clip: Clip) -> None:
    annotator = Annotator(network, threads=1)
    source = clip(60, without=range(20, 30), faces=2)
    whole = chunks(annotator, source)
    rows = [row for chunk in whole[:3] for result in chunk for row in result.rows]
    before = [pa.RecordBatch.from_pylist(rows, annotator.video_schema)]
    last = whole[2][-1]
    assert last.time is not None
    with FrameSampler(source, after=Position(last.frame, last.time)) as frames:
        rest = list(watch(annotator, frames, annotator.video, before=before))
    assert [[result.rows for result in chunk] for chunk in rest] == [
        [result.rows for result in chunk] for chunk in whole[3:]
    ]


def crowd(count: int) -> Callable[[np.ndarray], list[Face]]:
    return lambda _: [Face((index % 60 * 5.0, index // 60 * 5.0, 40, 40), 0.9, POINTS) for index in range(count)]


def test_thousands_of_faces_are_predicted_a_few_at_a_time(
    network: Path, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotator = Annotator(network, detector=crowd(600), threads=1, video=VideoOptions(end=0.2, quality="best"))
    fed: list[int] = []
    predict = annotator.predict
    monkeypatch.setattr(annotator, "predict", lambda crops: fed.append(len(crops)) or predict(crops))
    for chunk in chunks(annotator, clip(60), end=0.1):
        assert len(chunk) == 1
        assert len(chunk[0].rows) == 600
    assert max(fed) == annotator.batch_size
    some = Annotator(network, detector=crowd(600), threads=1, video=VideoOptions(max_faces=3))
    assert {len(result.rows) for result in chunks(some, clip(60), end=0.1)[0]} == {3}


def test_pictures_are_kept_if_requested(network: Path, clip: Clip) -> None:
    annotator = Annotator(network, threads=1, video=VideoOptions(every=20))
    results = list(annotator.stream(clip(60)))
    assert [result.frame for result in results] == [0, 20, 40]
    assert all(result.picture is not None and result.picture.pixels.shape == (240, 320, 3) for result in results)
    assert all(result.picture is None for result in annotator.stream(clip(60), pictures=False))


def test_threads_end_with_the_generator(network: Path, clip: Clip) -> None:
    annotator = Annotator(network, threads=1)
    with FrameSampler(clip(60)) as frames, closing(watch(annotator, frames, annotator.video)) as stream:
        next(stream)
        assert sum(thread.name == "prefetch" for thread in threading.enumerate()) == 3
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())
