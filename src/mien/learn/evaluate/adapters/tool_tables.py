"""Tables of other tools as detections: their predictions, in our labels and units."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.learn.data.sources.shared.expression_words import WORDS
from mien.learn.evaluate.adapters.schema import PICTURE, Schema, recognised
from mien.learn.evaluate.adapters.table_files import SUFFIXES, columns, is_table, names, numbers, stem
from mien.learn.evaluate.detections import Detections
from mien.table.layouts import FULL
from mien.tasks import Kind, Task

Floats = NDArray[np.float64]

ROUNDING = 1e-3
"""Tolerance beyond the range of a label."""


@dataclass(frozen=True, eq=False)
class _File:
    """The rows of one file: names, frames, boxes, labels (NaN where missing), whether a face was found."""

    pictures: list[str]
    frames: Floats
    boxes: Floats
    labels: dict[str, Floats]
    found: NDArray[np.bool_]


def read(path: Path, tasks: Sequence[Task], schema: str | None = None) -> Detections:
    """The faces of a tool's table.

    An empty cell means that the label is absent (0); an empty column is ignored. A face without any value was not found
    and is skipped, as is one that the tool itself reports as not found. A label with values outside its range has an
    unknown unit: it is skipped (for classes, the whole task), and a note reports it.

    Args:
        path: a file, or a folder of files. A table without a picture column must be named after its picture.
        tasks: the label space of the manifest.
        schema: the name of the tool; None to recognise it by its columns.

    Raises:
        ValueError: if it has nothing usable, naming the file.
        OSError: if it cannot be opened.
    """
    files = sorted(each for each in path.iterdir() if is_table(each)) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"{path}: no tables in this folder ({', '.join(SUFFIXES)})")
    labels = [label for task in tasks for label in task.labels]
    parts, known = [], None
    for file in files:
        try:
            known = known or recognised(names(file), labels, schema)
            parts.append(_file(file, known))
        except (ValueError, pa.ArrowException) as error:
            raise ValueError(f"{file}: {str(error).splitlines()[0]}") from None
    return _detections(path, parts, tasks, known.note if known else "")


def _detections(path: Path, parts: Sequence[_File], tasks: Sequence[Task], note: str) -> Detections:
    """All files together, with the tasks that the tool predicts."""
    found = np.concatenate([part.found for part in parts])
    values = {
        label: np.concatenate([part.labels.get(label, np.full(len(part.found), np.nan)) for part in parts])
        for label in dict.fromkeys(label for part in parts for label in part.labels)
    }
    skipped = {line for task in tasks for line in _skip_unknown_units(path, task, values, found)}
    known = [reduced for task in tasks if (reduced := _known(task, values))]
    if not known:
        reasons = "; ".join(sorted(skipped)) or f"{path}: no labels of {', '.join(task.name for task in tasks)}"
        raise ValueError(reasons)
    nothing = np.zeros(len(found))
    outputs = {task.name: np.stack([values.get(label, nothing) for label in task.labels], 1) for task in known}
    there = {label for task in known for label in task.labels} & set(values)
    found = found & np.isfinite(np.stack([values[label] for label in there])).any(0)
    return Detections(
        tuple(known),
        tuple(compress(chain.from_iterable(part.pictures for part in parts), found)),
        np.concatenate([part.frames for part in parts])[found],
        np.concatenate([part.boxes for part in parts])[found],
        {name: np.nan_to_num(cells[found]).astype(np.float32) for name, cells in outputs.items()},
        tuple(filter(None, (note, *sorted(skipped)))),
    )


def _skip_unknown_units(path: Path, task: Task, values: dict[str, Floats], found: NDArray[np.bool_]) -> list[str]:
    """Remove labels with values outside the range of their task from ``values``; a line for each."""
    lines, beyond = [], set()
    low, high = task.range
    for label in [label for label in task.labels if label in values]:
        cells = values[label][found]
        least, most = np.nanmin(cells, initial=0), np.nanmax(cells, initial=0)
        if least < low - ROUNDING or most > high + ROUNDING:
            beyond.add(label)
            lines.append(f"{path}: {label} is between {least:g} and {most:g} instead of [{low:g}, {high:g}]; skipped")
    for label in task.labels if beyond and task.kind is Kind.CLASSES else beyond:
        values.pop(label, None)
    return lines


def _known(task: Task, values: Mapping[str, Floats]) -> Task | None:
    """The task with the labels that a tool has; classification tasks keep all, but never predict the rest."""
    kept = [index for index, label in enumerate(task.labels) if label in values]
    if len(kept) < (2 if task.kind is Kind.CLASSES else 1):
        return None
    kept = [*range(len(task))] if task.kind is Kind.CLASSES else kept
    return Task(task.name, task.kind, tuple(task.labels[i] for i in kept), tuple(task.meanings[i] for i in kept))


def _file(file: Path, schema: Schema) -> _File:
    cells = columns(file, schema.columns())
    if not cells:
        raise ValueError(f"no columns of {schema.name}")
    length = len(next(iter(cells.values())))
    picture = next((name for name in PICTURE if name in cells), None)
    frames = np.full(length, np.nan)
    if schema.frame in cells:
        frames = numbers(cells[schema.frame], schema.frame) - schema.first
    found = np.ones(length, bool)
    if schema.found is not None and schema.found in cells:
        found = np.nan_to_num(numbers(cells[schema.found], schema.found)) > 0
    return _File(
        [stem(file)] * length if picture is None else [name or "" for name in cells[picture].to_pylist()],
        frames,
        _boxes(cells, schema, length),
        _labels(cells, schema),
        found,
    )


def _labels(cells: Mapping[str, Any], schema: Schema) -> dict[str, Floats]:
    """Our label -> its values, for the labels that the table has."""
    found = {
        label: numbers(cells[name], name) / schema.certain for name, label in schema.labels.items() if name in cells
    }
    for name, label in schema.intensities.items():
        if name in cells and label not in found:
            found[label] = np.clip(numbers(cells[name], name) / FULL, 0, 1)
    if schema.word is not None and schema.word in cells and not set(found) & set(WORDS.values()):
        found |= _one_hot(cells[schema.word].to_pylist())
    return {label: values for label, values in found.items() if np.isfinite(values).any()} or found


def _one_hot(words: Sequence[str | None]) -> dict[str, Floats]:
    """Words for expressions as labels; contempt, or an unknown word, is 0 in all; NaN without a word."""
    label_of = np.array(["" if word is None else str(WORDS.get(word.strip().lower())) for word in words])
    return {
        label: np.where(label_of == "", np.nan, label_of == label) for label in dict.fromkeys(WORDS.values()) if label
    }


def _boxes(cells: Mapping[str, Any], schema: Schema, length: int) -> Floats:
    """N x 4, NaN where the table has no box."""
    if schema.points and f"y_{schema.points - 1}" in cells:
        x, y = (
            np.stack([numbers(cells[name], name) for name in (f"{axis}_{k}" for k in range(schema.points))])
            for axis in "xy"
        )
        return np.stack([x.min(0), y.min(0), np.ptp(x, 0), np.ptp(y, 0)], 1)
    if len(schema.box) == 1 and schema.box[0] in cells:
        texts = (re.sub(r"np\.\w+", "", str(cell)) for cell in cells[schema.box[0]].to_pylist())
        boxes = [re.findall(r"-?\d+(?:\.\d+)?", text) for text in texts]
        return np.array([[float(side) for side in box] if len(box) == 4 else [np.nan] * 4 for box in boxes]).reshape(
            -1, 4
        )
    if schema.box and set(schema.box) <= set(cells):
        return np.stack([numbers(cells[side], side) for side in schema.box], 1)
    return np.full((length, 4), np.nan)
