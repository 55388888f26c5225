"""One network on one split, judged whole, by database and by subgroup: all that the report shows and the JSON holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest.codes import column_codes
from mien.learn.data.manifest.manifest import ManifestError
from mien.learn.evaluate import bootstrap
from mien.learn.evaluate.judge import judge
from mien.learn.evaluate.predictions import Predictions
from mien.learn.evaluate.protocols import official
from mien.learn.evaluate.reliability import Reliability, of_task
from mien.tasks import Kind, Task

LARGEST = 40
"""Classes of a task whose confusion matrix is kept, and values of a column of subgroups."""

QUARTERS, WORDS = 4, 12
"""A column of numbers with more values than the second is divided into as many parts as the first says."""

SUBGROUPS = ("gender", "sex", "age", "age_group", "race", "ethnicity", "skin_tone")
"""Columns whose subgroups are judged without being asked for."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Figures of some rows.

    Args:
        rows: how many.
        units: how many subjects, videos or rows they are of.
        metrics: by ``task.figure``.
        intervals: of these figures; none of a single unit.
        official: the names of those that the protocol wants.
    """

    rows: int
    units: int
    metrics: dict[str, float]
    intervals: dict[str, bootstrap.Interval]
    official: tuple[str, ...]

    def to_dict(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """As JSON, with the named figures, or the official ones."""
        names = self.official if names is None else names
        return {
            "rows": self.rows,
            "units": self.units,
            "figures": {name: self.metrics[name] for name in names if name in self.metrics},
            "intervals": {name: list(self.intervals[name]) for name in names if name in self.intervals},
        }


@dataclass(frozen=True, eq=False)
class Assessment:
    """All that is found about a network on a split.

    Args:
        tasks: what was judged.
        unit: what intervals draw: ``subject``, ``video``, ``row`` or another column.
        missed: rows without a prediction.
        whole: of all rows.
        databases: of the rows of each data set; the name is empty where a manifest says none.
        subgroups: of each column the rows of each value.
        confusion: of each task of classes C x (C + 1) counts, true x predicted; the last column is what was missed.
        counts: of each task of attributes A x 4: annotated, positive, predicted, both.
        reliability: of each task, and of each attribute.
    """

    tasks: tuple[Task, ...]
    unit: str
    missed: int
    whole: Measured
    databases: dict[str, Measured]
    subgroups: dict[str, dict[str, Measured]] = field(default_factory=dict)
    confusion: dict[str, NDArray[np.int_]] = field(default_factory=dict)
    counts: dict[str, NDArray[np.int_]] = field(default_factory=dict)
    reliability: dict[str, dict[str, Reliability]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "unit of the intervals": self.unit,
            "missed": self.missed,
            "official": {name: part.to_dict() for name, part in self.databases.items()},
            "whole": self.whole.to_dict(list(self.whole.metrics)),
            "subgroups": {
                column: {value: part.to_dict() for value, part in parts.items()}
                for column, parts in self.subgroups.items()
            },
            "confusion": {
                task.name: {"labels": [*task.labels, "missed"], "counts": self.confusion[task.name].tolist()}
                for task in self.tasks
                if task.name in self.confusion
            },
            "calibration": {
                task: {label: found.to_dict() for label, found in each.items()}
                for task, each in self.reliability.items()
            },
        }


def assess(
    found: Predictions,
    *,
    protocol: str | None = None,
    by: Sequence[str] = (),
    unit: str | None = None,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 0,
) -> Assessment:
    """Judge predictions.

    Args:
        found: N predictions of the labels that both sides have (:func:`mien.learn.evaluate.sources.label_map.mapped`).
        protocol: of :data:`mien.learn.evaluate.protocols.PROTOCOLS`, or ``headline``; None: each database's own.
        by: columns whose subgroups are judged; those of :data:`SUBGROUPS` always are.
        unit: the column that intervals draw by; None: see :func:`mien.learn.evaluate.bootstrap.units`.
        resamples: of the intervals; 0 for none.
        seed: of the intervals.

    Raises:
        ManifestError: if a column is not there, or has too many values for subgroups.
    """
    name, members = bootstrap.units(found.rows, unit)

    def measured(rows: NDArray[np.bool_], wanted: str) -> Measured:
        part, own = (found, members) if rows.all() else (take(found, rows), members[rows])
        own = np.unique(own, return_inverse=True)[1]
        metrics = judge(part)
        drawn = bootstrap.intervals(part, own, resamples=resamples, seed=seed) if resamples else {}
        return Measured(len(part), int(own.max()) + 1, metrics, drawn, official(list(metrics), part.tasks, wanted))

    sets = _databases(found.rows)
    only = protocol or (next(iter(sets)) if len(sets) == 1 else "headline")
    whole = measured(np.ones(len(found), bool), only)
    one = len(sets) == 1
    columns = [*dict.fromkeys([*(each for each in SUBGROUPS if each in found.rows.column_names), *by])]
    return Assessment(
        found.tasks,
        name,
        int(found.missed.sum()),
        whole,
        {each: whole if one else measured(rows, protocol or each) for each, rows in sets.items()},
        {
            column: {value: measured(rows, only) for value, rows in subgroups(found.rows, column).items()}
            for column in columns
        },
        {task.name: _confusion(found, task) for task in _of(found, Kind.CLASSES) if len(task) <= LARGEST},
        {task.name: _counts(found, task) for task in _of(found, Kind.ATTRIBUTES)},
        {task.name: each for task in found.tasks if (each := of_task(found, task))},
    )


def take(found: Predictions, rows: NDArray[np.bool_]) -> Predictions:
    """The predictions of some rows."""
    return replace(
        found,
        outputs={name: values[rows] for name, values in found.outputs.items()},
        labels={name: values[rows] for name, values in found.labels.items()},
        mask={name: values[rows] for name, values in found.mask.items()},
        rows=found.rows.filter(pa.array(rows)),
        missed=found.missed[rows],
    )


def subgroups(rows: pa.Table, column: str) -> dict[str, NDArray[np.bool_]]:
    """Which rows have which value of a column; numbers with many values come in four parts of about one size.

    Rows without a value are a group of their own, ``no value``.

    Raises:
        ManifestError: if the column is not there, or has too many values.
    """
    if column not in rows.column_names:
        raise ManifestError(f"there is no column {column} to judge subgroups by")
    values = rows[column].combine_chunks()
    known = np.asarray(pc.is_valid(values))
    found: dict[str, NDArray[np.bool_]] = {}
    if _numbers(values.type) and pc.count_distinct(values).as_py() > WORDS:
        numbers = np.asarray(pc.fill_null(values.cast(pa.float64()), np.nan))
        known = np.isfinite(numbers)
        edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, QUARTERS + 1)))
        for low, high in pairwise(edges):
            top = numbers <= high if high == edges[-1] else numbers < high
            if (inside := known & (numbers >= low) & top).any():
                found[f"{low:.4g} to {high:.4g}"] = inside
    elif (count := pc.count_distinct(values).as_py()) > LARGEST:
        raise ManifestError(f"column {column} has {count} values, too many for subgroups (at most {LARGEST})")
    else:
        numbers = column_codes(values)
        names = values.to_pylist()
        order = sorted(np.unique(numbers[known]), key=lambda code: str(names[int(np.argmax(numbers == code))]))
        found = {str(names[int(np.argmax(numbers == code))]): numbers == code for code in order}
    return found if known.all() else {**found, "no value": ~known}


def _databases(rows: pa.Table) -> dict[str, NDArray[np.bool_]]:
    if "dataset" not in rows.column_names:
        return {"": np.ones(rows.num_rows, bool)}
    names = np.array(pc.fill_null(rows["dataset"].cast(pa.string()), "").to_pylist())
    return {str(name): names == name for name in dict.fromkeys(names.tolist())}


def _of(found: Predictions, kind: Kind) -> list[Task]:
    return [task for task in found.tasks if task.kind is kind and found.mask[task.name].any()]


def _confusion(found: Predictions, task: Task) -> NDArray[np.int_]:
    known = found.mask[task.name]
    guess = found.guess(task)[known]
    guess = np.where(guess < 0, len(task), guess)
    truth = found.labels[task.name][known].astype(int)
    width = len(task) + 1
    return np.bincount(truth * width + guess, minlength=len(task) * width).reshape(len(task), width)


def _counts(found: Predictions, task: Task) -> NDArray[np.int_]:
    known, positive = found.mask[task.name], found.labels[task.name] > 0.5
    guess = (found.outputs[task.name] >= 0.5) & ~found.missed[:, None]
    return np.stack([(known & part).sum(0) for part in (True, positive, guess, positive & guess)], axis=1)


def _numbers(kind: Any) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
