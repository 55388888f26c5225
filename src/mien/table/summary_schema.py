"""The schemas of the summaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from mien.tasks import AFFECT, Kind, Task

PLANE = AFFECT.labels
"""A continuous task with both of these labels has quadrants."""

QUADRANTS = ("positive_active", "negative_active", "negative_passive", "positive_passive")
"""The quadrants, counter-clockwise; 0 counts as positive and as active."""


def track_schema(tasks: Sequence[Task], thresholds: Mapping[str, float], pause: float) -> pa.Schema:
    """The schema of the tracks: one row per track, and one for all faces without a track, if any."""
    return _schema(
        [
            _field("input", pa.string(), "path of the video"),
            _field("track", pa.int32(), "number of the track; null: all faces without one", "track", "[0, inf)"),
            _field("frames", pa.int64(), "looked-at frames with this face", "frame", "[1, inf)"),
            _seconds("seconds", "that they last together, each till the next looked-at frame"),
            _field("first_frame", pa.int64(), "number of the first of them", "frame", "[0, inf)"),
            _field("last_frame", pa.int64(), "number of the last of them", "frame", "[0, inf)"),
            _field("first_time", pa.float64(), "time of the first of them", "s"),
            _field("last_time", pa.float64(), "time of the last of them", "s"),
            _score(),
            *_label_fields(tasks, thresholds, pause, "of the face's time"),
        ]
    )


def video_schema(tasks: Sequence[Task], thresholds: Mapping[str, float], pause: float) -> pa.Schema:
    """The schema of the video: one row."""
    return _schema(
        [
            _field("input", pa.string(), "path of the video"),
            _field("frames", pa.int64(), "looked-at frames", "frame", "[0, inf)"),
            _seconds(
                "seconds", "that they last together, each till the next; the last one as long as the one before it"
            ),
            _field("face_frames", pa.int64(), "looked-at frames with a face", "frame", "[0, inf)"),
            _seconds("face_seconds", "that these last together"),
            _field("faces", pa.int64(), "faces in all frames together: rows", "face", "[0, inf)"),
            _field("most_faces", pa.int64(), "faces in the frame with most of them", "face", "[0, inf)"),
            _field("tracks", pa.int64(), "number of tracks", "track", "[0, inf)"),
            _score(),
            *_label_fields(tasks, thresholds, pause, "of the time of all faces together"),
        ]
    )


def _schema(fields: Sequence[pa.Field]) -> pa.Schema:
    names = [field.name for field in fields]
    if duplicates := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"duplicate columns in the summary: {', '.join(duplicates)}")
    return pa.schema(fields)


def plane(task: Task) -> tuple[int, int] | None:
    """The indices of the two labels of the plane in a task, if it has them."""
    if task.kind is not Kind.CONTINUOUS or not set(PLANE) <= set(task.labels):
        return None
    return task.labels.index(PLANE[0]), task.labels.index(PLANE[1])


def _label_fields(
    tasks: Sequence[Task], thresholds: Mapping[str, float], pause: float, whole: str
) -> Iterator[pa.Field]:
    for task in tasks:
        low, high = task.range
        span = f"[{low:g}, {high:g}]"
        unit = "none" if task.kind is Kind.CONTINUOUS else "probability"
        if task.kind is Kind.CLASSES:
            yield _field(task.name, pa.string(), "the label that is on for longest", "none", ", ".join(task.labels))
        for label, meaning in zip(task.labels, task.meanings, strict=True):
            yield _field(f"{label}_mean", pa.float64(), f"mean over rows of: {meaning}", unit, span)
            if task.kind is Kind.CONTINUOUS:
                words = "standard deviation over rows (n - 1); null for a single row"
                yield _field(f"{label}_sd", pa.float64(), words, unit, f"[0, {high - low:g}]")
                continue
            on = "it is the most probable one"
            if task.kind is Kind.ATTRIBUTES:
                on = f"its probability is {thresholds[label]:g} or more"
            yield _share(f"{label}_share", f"share {whole} in which it is on: {on}")
            words = f"how often it comes on; a face that is lost for {pause:g} s or less does not end it"
            yield _field(f"{label}_episodes", pa.int64(), f"{words}; null without a track", "episode", "[0, inf)")
        if plane(task):
            yield from _quadrant_fields(whole)


def _quadrant_fields(whole: str) -> Iterator[pa.Field]:
    for name in QUADRANTS:
        side, height = name.split("_")
        words = (
            f"{PLANE[0]} {'>= 0' if side == 'positive' else '< 0'}",
            f"{PLANE[1]} {'>= 0' if height == 'active' else '< 0'}",
        )
        yield _seconds(f"{name}_seconds", f"{whole} in which {' and '.join(words)}")
        yield _share(f"{name}_share", f"share {whole} in which {' and '.join(words)}")


def _field(name: str, kind: pa.DataType, meaning: str, unit: str = "none", span: str = "any") -> pa.Field:
    return pa.field(name, kind, metadata={"range": span, "unit": unit, "meaning": meaning})


def _seconds(name: str, meaning: str) -> pa.Field:
    return _field(name, pa.float64(), f"seconds {meaning}", "s", "[0, inf)")


def _share(name: str, meaning: str) -> pa.Field:
    return _field(name, pa.float64(), f"{meaning}; null if that is 0 s", "none", "[0, 1]")


def _score() -> pa.Field:
    return _field("score_mean", pa.float64(), "mean of the detector's confidence", "probability", "[0, 1]")
