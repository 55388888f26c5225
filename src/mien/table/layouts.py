"""Column layouts of other tools, for scripts written for them: OpenFace 2 and py-feat 2.

A layout is a view of the table that renames, scales and drops columns. Values without a column in the other tool (five
landmarks, notes) are only in mien's own table. A label has one column: the smoothed value if there is one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from mien.table.columns import label_column
from mien.tasks import Task

FULL = 4.0
"""The intensity, 0 to 5, that a probability of 1 has when OpenFace's tables are written or read. So 2 is 0.5, and AUs
of 2 and more count as present, as for DISFA in papers/003, 4.1."""

THRESHOLD = 0.5
"""Default probability from which an attribute counts as present."""

OPENFACE_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
"""The AUs whose intensity OpenFace writes; it writes the presence of these and AU28."""

PY_FEAT_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)

PY_FEAT_WORDS = {
    "neutral": "Neutral", "happiness": "Happy", "sadness": "Sad", "surprise": "Surprise",
    "fear": "Fear", "disgust": "Disgust", "anger": "Anger",
}  # fmt: skip
"""Our label -> its column in py-feat 2, in its order and with its spelling in tables with valence and arousal."""

BOX = ("x", "y", "width", "height")
LANDMARKS = [f"{axis}_{point}" for axis in "xy" for point in range(68)]
POSE = ["Pitch", "Roll", "Yaw", "X", "Y", "Z"]

_ReadColumn: TypeAlias = Callable[["_Batch"], Any]
_Columns: TypeAlias = dict[str, tuple[pa.DataType, _ReadColumn]]
"""Name -> type, and the function that reads it."""
_Definition: TypeAlias = tuple[set[str], _Columns, _Columns]
"""The labels that a tool knows, its own columns, and additional columns."""


class _Batch:
    """The columns of a batch by name, nulls for missing ones; labels smoothed, if requested and available."""

    def __init__(self, batch: pa.RecordBatch, smoothed: bool) -> None:
        self._batch, self._smoothed = batch, smoothed
        self._names = set(batch.schema.names)
        self.empty = pa.nulls(batch.num_rows, pa.float32())
        self.found = self["face"].is_valid()

    def __getitem__(self, name: str) -> Any:
        return self._batch[name] if name in self._names else self.empty

    def label(self, name: str) -> Any:
        return label_column(self._batch, name, self._smoothed)

    def person(self) -> Any:
        """The track; in tables of pictures, which have no tracks, the number of the face."""
        return self["track" if "track" in self._names else "face"]


class Layout:
    """Converts record batches of the table to the columns of another tool.

    ``openface``: the columns of ``FeatureExtraction -aus`` for a video, in its order, then those that it does not have:
    other AUs, input, box, the other labels. Gaze, pose and landmarks are omitted, as its own options allow. Frames are
    numbered from 1. ``face_id`` is the track, -1 for none. Without a face, confidence, success and AUs are 0. ``_c`` is
    1 from the threshold on. ``_r`` is the probability times :data:`FULL`: a confidence, not the strength of the
    movement. AUs that the network does not predict (AU28, AU45) are empty.

    ``py-feat``: the columns of py-feat's second detector, in its order. Its 68 landmarks and the pose are present but
    empty, so that scripts that read them run; gaze, mesh and the embedding of the face are omitted. ``Identity`` is
    ``Person_`` and the track. ``time`` and the other labels follow.

    Args:
        name: one of :data:`LAYOUTS`.
        tasks: the tasks of the table.
        thresholds: label -> probability from which it counts as present; :data:`THRESHOLD` for other labels.
        smoothed: whether to use the smoothed labels, for rows that have them.

    Attributes:
        schema: the schema of the converted batches.

    Raises:
        ValueError: for an unknown layout, if the layout has none of the labels, or for duplicate columns.

    Example:
        >>> from mien.tasks import AFFECT
        >>> Layout("py-feat", [AFFECT]).schema.names[-3:]
        ['approx_time', 'Identity', 'time']
    """

    def __init__(
        self,
        name: str,
        tasks: Sequence[Task],
        *,
        thresholds: Mapping[str, float] | None = None,
        smoothed: bool = True,
    ) -> None:
        if name not in LAYOUTS:
            raise ValueError(f"unknown layout {name}; expected {' or '.join(LAYOUTS)}")
        labels = [label for task in tasks for label in task.labels]
        known, columns, more = LAYOUTS[name](labels, thresholds or {})
        if not known:
            raise ValueError(f"layout {name} has no column for any of the labels {', '.join(labels)}")
        more |= {label: (pa.float32(), _label(label)) for label in labels if label not in known}
        if duplicates := sorted(columns.keys() & more.keys()):
            raise ValueError(f"layout {name} has duplicate columns: {', '.join(duplicates)}")
        self._columns, self._smoothed = columns | more, smoothed
        self.schema = pa.schema([(column, kind) for column, (kind, _) in self._columns.items()])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Convert a batch to the layout's columns."""
        source = _Batch(batch, self._smoothed)
        arrays = [read(source).cast(kind) for kind, read in self._columns.values()]
        return pa.record_batch(arrays, self.schema)


def csv_writer(stream: IO[bytes], schema: pa.Schema) -> Any:
    """A CSV writer of record batches (``write_batch``, ``close``), for scripts that split lines at commas.

    Only names and words that need quotes are quoted; Arrow quotes all of them by default.
    """
    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow(schema.names)
    stream.write(head.getvalue().encode())
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    return pa.csv.CSVWriter(stream, schema, write_options=options)


def _openface(labels: Sequence[str], thresholds: Mapping[str, float]) -> _Definition:
    units = [label for label in labels if label.startswith("AU") and label[2:].isdigit()]
    own = [f"AU{number:02}" for number in OPENFACE_UNITS]
    present = sorted([*own, "AU28"])
    columns: _Columns = {
        "frame": (pa.int32(), lambda batch: pc.add(batch["frame"], 1)),
        "face_id": (pa.int32(), lambda batch: pc.fill_null(batch.person(), -1)),
        "timestamp": (pa.float64(), lambda batch: pc.fill_null(batch["time"], 0)),
        "confidence": (pa.float32(), lambda batch: pc.fill_null(batch["score"], 0)),
        "success": (pa.int8(), lambda batch: batch.found),
    }
    columns |= {f"{unit}_r": (pa.float32(), _intensity(unit) if unit in units else _empty) for unit in own}
    columns |= {f"{unit}_c": (pa.int8(), _presence(unit, thresholds) if unit in units else _empty) for unit in present}
    more: _Columns = {}
    for unit in sorted(set(units) - set(present)):
        more[f"{unit}_r"] = (pa.float32(), _intensity(unit))
        more[f"{unit}_c"] = (pa.int8(), _presence(unit, thresholds))
    more["input"] = (pa.string(), _column("input"))
    more |= {side: (pa.float32(), _column(side)) for side in BOX}
    return set(units), columns, more


def _py_feat(labels: Sequence[str], _thresholds: Mapping[str, float]) -> _Definition:
    units = [f"AU{number:02}" for number in PY_FEAT_UNITS]
    py_feat = {unit: unit for unit in units} | PY_FEAT_WORDS | {"valence": "valence", "arousal": "arousal"}
    place = ("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore")
    columns: _Columns = {name: (pa.float32(), _column(ours)) for name, ours in zip(place, (*BOX, "score"), strict=True)}
    columns |= {name: (pa.float32(), _empty) for name in (*LANDMARKS, *POSE)}
    columns |= {
        column: (pa.float32(), _label(label) if label in labels else _empty) for label, column in py_feat.items()
    }
    columns |= {
        "input": (pa.string(), _column("input")),
        "frame": (pa.int32(), _column("frame")),
        "approx_time": (pa.string(), lambda batch: _minutes(batch["time"])),
        "Identity": (pa.string(), lambda batch: _person_names(batch.person())),
    }
    return py_feat.keys() & set(labels), columns, {"time": (pa.float64(), _column("time"))}


LAYOUTS: dict[str, Callable[[Sequence[str], Mapping[str, float]], _Definition]] = {
    "openface": _openface,
    "py-feat": _py_feat,
}
"""Name of the tool -> the function that defines its columns from labels and thresholds."""


def _column(name: str) -> _ReadColumn:
    return lambda batch: batch[name]


def _label(name: str) -> _ReadColumn:
    return lambda batch: batch.label(name)


def _empty(batch: _Batch) -> Any:
    return batch.empty


def _intensity(label: str) -> _ReadColumn:
    """0 to 4; 0 without a face."""
    return lambda batch: pc.fill_null(pc.multiply(batch.label(label), pa.scalar(FULL, pa.float32())), 0)


def _presence(label: str, thresholds: Mapping[str, float]) -> _ReadColumn:
    """1 or 0; 0 without a face."""
    least = thresholds.get(label, THRESHOLD)
    return lambda batch: pc.fill_null(pc.greater_equal(batch.label(label), pa.scalar(least, pa.float32())), False)


def _minutes(times: Any) -> Any:
    """Minutes and seconds, such as 01:05, in py-feat's format."""
    seconds = [None if time is None else int(time) for time in times.to_pylist()]
    return pa.array([None if time is None else f"{time // 60:02}:{time % 60:02}" for time in seconds], pa.string())


def _person_names(people: Any) -> Any:
    return pc.binary_join_element_wise("Person", people.cast(pa.int32()).cast(pa.string()), "_")
