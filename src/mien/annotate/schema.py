"""The schema of the table, and its rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien import __version__
from mien.faces.detect import LANDMARKS, Face
from mien.tasks import Kind, Task

Row: TypeAlias = dict[str, Any]
"""A row: column -> value, in any order; missing columns are null."""

SIDES = "left and right are the person's own: in a picture that is not mirrored, the right eye is on the left"
PIXEL = "pixels of the upright original"
UNITS = {Kind.CLASSES: "probability", Kind.ATTRIBUTES: "probability", Kind.CONTINUOUS: "none"}


def table_schema(tasks: Sequence[Task], model: str, *, video: bool = False) -> pa.Schema:
    """The schema for a network with these tasks; each field's metadata gives range, unit and meaning.

    The table's metadata has the tasks under ``tasks``, a JSON list, so that a table can be read without the network.

    Args:
        tasks: the tasks of the label columns, in order.
        model: name of the network.
        video: add the columns ``time`` and ``track``.

    Raises:
        ValueError: if two columns have the same name.
    """
    fields = [*_face_fields(video), *(field for task in tasks for field in _task_fields(task)), _note_field()]
    names = [field.name for field in fields]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ValueError(f"duplicate columns: {', '.join(duplicates)}")
    label_space = json.dumps([task.to_dict() for task in tasks])
    return pa.schema(fields, {"mien_version": __version__, "model": model, "sides": SIDES, "tasks": label_space})


def face_rows(
    place: Row,
    faces: Sequence[Face],
    outputs: dict[str, NDArray[np.float32]],
    tasks: Sequence[Task],
    *,
    scale: tuple[float, float] = (1.0, 1.0),
    tracks: Sequence[int | None] = (),
) -> list[Row]:
    """The rows of a picture or frame: one per face, or one with the note "no face found".

    Args:
        place: columns that all rows share: input, frame, note, and the time of a frame.
        faces: largest first.
        outputs: task name -> len(faces) x labels.
        tasks: the tasks in the order of the columns.
        scale: pixels of the original per pixel of ``faces``, along x and along y.
        tracks: one per face, for frames of a video.
    """
    if not faces:
        return [{**place, "note": "; ".join(filter(None, (place.get("note"), "no face found")))}]
    rows = []
    for index, face in enumerate(faces):
        row: Row = {**place, "face": index, "score": face.score}
        row |= {"track": tracks[index]} if tracks else {}
        row |= zip(("x", "y", "width", "height"), np.multiply(face.box, scale * 2).tolist(), strict=True)
        row |= zip(_landmark_columns(), np.multiply(face.landmarks, scale).ravel().tolist(), strict=True)
        for task in tasks:
            row |= _task_values(task, outputs[task.name][index])
        rows.append(row)
    return rows


def _task_values(task: Task, output: NDArray[np.float32]) -> Row:
    values: Row = dict(zip(task.labels, output.tolist(), strict=True))
    return {task.name: task.labels[int(output.argmax())], **values} if task.kind is Kind.CLASSES else values


def _field(name: str, kind: pa.DataType, meaning: str, unit: str = "none", span: str = "any") -> pa.Field:
    return pa.field(name, kind, metadata={"range": span, "unit": unit, "meaning": meaning})


def _face_fields(video: bool) -> list[pa.Field]:
    whole, real = pa.int32(), pa.float32()
    time = _field("time", pa.float64(), "when the frame is shown, from the video's own time stamps", "second")
    track = _field("track", whole, "the same face through the video; null if it is not followed", "track", "[0, inf)")
    return [
        _field("input", pa.string(), "path of the picture, or 'input N' for entry N of a list of arrays"),
        _field("frame", whole, "number of the frame; 0 for a picture", "frame", "[0, inf)"),
        *([time] if video else ()),
        _field("face", whole, "number of the face, largest first; null if there is none", "face", "[0, inf)"),
        *([track] if video else ()),
        _field("x", real, "left side of the face's box", PIXEL),
        _field("y", real, "upper side of the face's box", PIXEL),
        _field("width", real, "width of the face's box", PIXEL, "[0, inf)"),
        _field("height", real, "height of the face's box", PIXEL, "[0, inf)"),
        _field("score", real, "the detector's confidence that this is a face", "probability", "[0, 1]"),
        *(_field(name, real, f"{name[:-2].replace('_', ' ')}, {name[-1]}", PIXEL) for name in _landmark_columns()),
    ]


def _landmark_columns() -> list[str]:
    return [f"{name}_{axis}" for name in LANDMARKS for axis in "xy"]


def _task_fields(task: Task) -> list[pa.Field]:
    span = f"[{task.range[0]:g}, {task.range[1]:g}]"
    labels = [
        _field(label, pa.float32(), meaning, UNITS[task.kind], span)
        for label, meaning in zip(task.labels, task.meanings, strict=True)
    ]
    if task.kind is not Kind.CLASSES:
        return labels
    return [_field(task.name, pa.string(), "the most probable label", "none", ", ".join(task.labels)), *labels]


def _note_field() -> pa.Field:
    return _field("note", pa.string(), "'no face found', 'first of N frames', joined by '; '; null otherwise")
