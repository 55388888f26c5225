"""Matching a tool's faces to the rows of a manifest; rows without a face are missed.

Pictures are matched by the longest common end of their paths, so a tool may have run on a copy of the pictures
elsewhere; frames of a video are matched by their number. Within a picture, a row with a box gets the face whose centre
is in the box and that overlaps it best, and no face is assigned to two such rows; a row without a box gets the largest
face.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.learn.data.manifest import Manifest, ManifestError, read_metadata
from mien.learn.data.manifest.columns import BOX
from mien.learn.data.manifest.rules import refuse
from mien.learn.data.pack.finder import holds, overlap
from mien.learn.evaluate.detections import Detections
from mien.learn.evaluate.predictions import Predictions
from mien.media.picture import SUFFIXES, VIDEOS
from mien.tasks import Kind

Boxes = NDArray[np.float64]


def read_rows(path: Path | str, split: str) -> Manifest:
    """The rows of a split with their labels, whether or not their faces were prepared; the pack is empty.

    Raises:
        ManifestError: if the manifest cannot be used, or has no rows of this split.
    """
    path, tasks, metadata = read_metadata(path)
    try:
        table = pq.read_table(path).replace_schema_metadata(None)
    except (pa.ArrowInvalid, OSError) as error:
        raise ManifestError(f"{path}: truncated or damaged ({str(error).splitlines()[0]})") from None
    for column in ("path", "split"):
        if column not in table.column_names:
            raise ManifestError(f"{path}: has no column {column}")
    refuse(path, table, tasks)
    if "excluded" in table.column_names:
        table = table.filter(pc.is_null(table["excluded"]))
    return Manifest(path, table, np.zeros((0, 1, 1, 3), np.uint8), tasks, metadata).split(split)


def matched(detections: Detections, rows: Manifest) -> Predictions:
    """The predictions of a tool for every row; a row without a face is missed, and its outputs are 0.

    Args:
        detections: M faces.
        rows: N rows, from :func:`read_rows`.

    Raises:
        ManifestError: if no picture of the rows is among the tool's, or a picture is ambiguous.
    """
    face = faces_of(detections, rows)
    missed = face < 0
    outputs = {}
    for task in detections.tasks:
        taken = detections.outputs[task.name][face] if len(detections) else np.zeros((len(face), len(task)), np.float32)
        outputs[task.name] = np.where(missed[:, None], 0, taken)
    columns = {task.name: rows.column(task, hard=True) for task in detections.tasks}
    whole = {task.name: np.int64 if task.kind is Kind.CLASSES else np.float32 for task in detections.tasks}
    labels = {name: np.nan_to_num(column).astype(whole[name]) for name, column in columns.items()}
    mask = {name: ~np.isnan(column) for name, column in columns.items()}
    return Predictions(detections.tasks, outputs, labels, mask, rows.table, missed)


def faces_of(detections: Detections, rows: Manifest) -> NDArray[np.int_]:
    """The index of each row's face, -1 if it has none; raises as :func:`matched` does."""
    paths: list[str] = rows.table["path"].to_pylist()
    try:
        names = paired(paths, detections.pictures)
    except ValueError as error:
        raise ManifestError(f"{rows.path}: {error}") from None
    if detections.pictures and not names:
        raise ManifestError(
            f"{rows.path}: none of its pictures is in the table (it names {detections.pictures[0]}, the table has no "
            f"{PurePosixPath(paths[0]).name})"
        )
    frames = _numbers(rows.table, "frame")
    boxes = np.stack([_numbers(rows.table, side) for side in BOX], 1)
    faces = _grouped(zip(detections.pictures, detections.frames.tolist(), strict=True))
    stills: dict[str, list[int]] = defaultdict(list)
    for (name, _), members in faces.items():
        stills[name] += members
    found = np.full(len(paths), -1)
    for (path, frame), members in _grouped(zip(paths, frames.tolist(), strict=True)).items():
        video = PurePosixPath(path).suffix.lower() in VIDEOS and frame is not None
        name = names.get(path, "")
        there = faces.get((name, frame), []) if video else stills.get(name, [])
        for row, place in zip(members, assigned(boxes[members], detections.boxes[there]), strict=True):
            found[row] = there[place] if place >= 0 else -1
    return found


def assigned(rows: Boxes, faces: Boxes) -> list[int]:
    """The face of each row of a picture, -1 for none.

    Args:
        rows: R x 4 boxes, NaN where a row has none.
        faces: F x 4, NaN if the tool reports no boxes; every row then gets the first face in the tool's order.
    """
    if not len(faces):
        return [-1] * len(rows)
    sizes = np.nan_to_num(faces[:, 2] * faces[:, 3], nan=-1)
    largest = int(sizes.argmax())
    boxed = ~np.isnan(rows).any(1)
    if np.isnan(faces).any():
        return [largest] * len(rows)
    found = np.where(boxed, -1, largest)
    pairs = [
        (overlap(tuple(faces[face]), tuple(rows[row])), int(row), face)
        for row in np.flatnonzero(boxed)
        for face in range(len(faces))
        if holds(tuple(rows[row]), tuple(faces[face]))
    ]
    free = set(range(len(faces)))
    for _, row, face in sorted(pairs, key=lambda pair: -pair[0]):
        if found[row] < 0 and face in free:
            found[row] = face
            free.discard(face)
    return [int(face) for face in found]


def paired(wanted: Sequence[str], given: Sequence[str]) -> dict[str, str]:
    """Picture of the manifest -> the tool's name for it, if it has one.

    The tool's name may be a whole path, the end of a path, or have no suffix.

    Raises:
        ValueError: if a picture could be two of the tool's, or one of the tool's could be two pictures.
    """
    ends: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(given):
        ends[_parts(name)[0]].append(name)
    claims: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for path in dict.fromkeys(wanted):
        likeness = {name: _likeness(path, name) for name in ends.get(_parts(path)[0], ())}
        best = max(likeness.values(), default=0)
        names = [name for name, alike in likeness.items() if alike == best and alike]
        if len(names) > 1:
            raise ValueError(f"{path} may be {names[0]} or {names[1]} in the table; use paths with folders there")
        for name in names:
            claims[name].append((best, path))
    found = {}
    for name, claim in claims.items():
        best = max(alike for alike, _ in claim)
        paths = [path for alike, path in claim if alike == best]
        if len(paths) > 1:
            raise ValueError(
                f"{name} of the table may be {paths[0]} or {paths[1]}; give paths with their folders there"
            )
        found[paths[0]] = name
    return found


def _likeness(path: str, name: str) -> int:
    """Number of parts that the ends of two paths have in common; 0 if their suffixes differ."""
    one, other = _parts(path), _parts(name)
    if one[1] and other[1] and one[1] != other[1]:
        return 0
    same = [a == b for a, b in zip((one[0], *one[2:]), (other[0], *other[2:]), strict=False)]
    return same.index(False) if False in same else len(same)


def _parts(path: str) -> tuple[str, ...]:
    """Stem, suffix (empty if it is not that of a picture or video), then the folders, innermost first."""
    parts = PurePosixPath(path.replace("\\", "/"))
    known = parts.suffix.lower() in SUFFIXES | VIDEOS
    return (parts.stem if known else parts.name, parts.suffix if known else "", *reversed(parts.parent.parts))


def _grouped(keys: Iterable[tuple[str, float]]) -> dict[tuple[str, int | None], list[int]]:
    """The indices of each picture and frame."""
    groups: dict[tuple[str, int | None], list[int]] = defaultdict(list)
    for place, (name, frame) in enumerate(keys):
        groups[name, None if np.isnan(frame) else int(frame)].append(place)
    return groups


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.asarray(pc.fill_null(table[name].cast(pa.float64()), np.nan).to_numpy())
