"""The evaluation of one network on one split: as a whole, by database and by subgroup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest import ManifestError
from mien.learn.data.manifest.codes import column_codes
from mien.learn.evaluate import bootstrap
from mien.learn.evaluate.predictions import Predictions
from mien.learn.evaluate.protocols import official
from mien.learn.evaluate.reliability import Reliability, of_task
from mien.learn.evaluate.score import score
from mien.tasks import Kind, Task

LARGEST = 40
"""Largest number of classes for which the confusion matrix is kept, and of subgroups of a column."""

QUARTERS, VALUES = 4, 12
"""Numeric columns with more than ``VALUES`` different values are divided into ``QUARTERS`` subgroups."""

SUBGROUPS = ("gender", "sex", "age", "age_group", "race", "ethnicity", "skin_tone")
"""Columns whose subgroups are always evaluated."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The metrics of some rows.

    Args:
        rows: the number of rows.
        units: the number of subjects, videos or rows that the intervals resample.
        metrics: the metrics by ``task.metric``.
        intervals: intervals of these metrics; empty for a single unit.
        official: the names of the metrics that the protocol asks for.
    """

    rows: int
    units: int
    metrics: dict[str, float]
    intervals: dict[str, bootstrap.Interval]
    official: tuple[str, ...]

    def to_dict(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """JSON-ready data, with the named metrics, or the official ones."""
        names = self.official if names is None else names
        return {
            "rows": self.rows,
            "units": self.units,
            "metrics": {name: self.metrics[name] for name in names if name in self.metrics},
            "intervals": {name: list(self.intervals[name]) for name in names if name in self.intervals},
        }


@dataclass(frozen=True, eq=False)
class Assessment:
    """The results of a network on a split.

    Args:
        tasks: the tasks that were evaluated.
        unit: what intervals resample: ``subject``, ``video``, ``row`` or another column.
        missed: the number of rows without a prediction.
        whole: scores of all rows.
        databases: scores of the rows of each data set; the name is empty if the manifest has no column ``dataset``.
        subgroups: for each column, scores of the rows of each value.
        confusion: for each classification task, C x (C + 1) counts, true x predicted; the last column counts missed
            rows.
        counts: for each attribute task, A x 4: annotated, positive, predicted, both.
        reliability: reliability of each task, and of each attribute.
    """

    tasks: tuple[Task, ...]
    unit: str
    missed: int
    whole: Scores
    databases: dict[str, Scores]
    subgroups: dict[str, dict[str, Scores]] = field(default_factory=dict)
    confusion: dict[str, NDArray[np.int_]] = field(default_factory=dict)
    counts: dict[str, NDArray[np.int_]] = field(default_factory=dict)
    reliability: dict[str, dict[str, Reliability]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
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
            "reliability": {
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
    """Evaluate predictions as a whole, by database and by subgroup.

    Args:
        found: N predictions of the labels that network and database have in common
            (:func:`mien.learn.evaluate.sources.label_map.mapped`).
        protocol: a name in :data:`mien.learn.evaluate.protocols.PROTOCOLS`, or ``headline``; None: each database's own.
        by: columns whose subgroups are evaluated in addition to :data:`SUBGROUPS`.
        unit: the column that groups rows for the intervals; None: see :func:`mien.learn.evaluate.bootstrap.units`.
        resamples: number of bootstrap resamples; 0 for no intervals.
        seed: seed of the resamples.

    Raises:
        ManifestError: if a column is missing, or has too many values for subgroups.
    """
    name, members = bootstrap.units(found.rows, unit)

    def scores(rows: NDArray[np.bool_], wanted: str) -> Scores:
        part, own = (found, members) if rows.all() else (take(found, rows), members[rows])
        own = np.unique(own, return_inverse=True)[1]
        metrics = score(part)
        intervals = bootstrap.intervals(part, own, resamples=resamples, seed=seed) if resamples else {}
        return Scores(len(part), int(own.max()) + 1, metrics, intervals, official(list(metrics), part.tasks, wanted))

    sets = _databases(found.rows)
    one = len(sets) == 1
    overall = protocol or (next(iter(sets)) if one else "headline")
    whole = scores(np.ones(len(found), bool), overall)
    columns = dict.fromkeys([*(each for each in SUBGROUPS if each in found.rows.column_names), *by])
    return Assessment(
        tasks=found.tasks,
        unit=name,
        missed=int(found.missed.sum()),
        whole=whole,
        databases={each: whole if one else scores(rows, protocol or each) for each, rows in sets.items()},
        subgroups={
            column: {value: scores(rows, overall) for value, rows in subgroups(found.rows, column).items()}
            for column in columns
        },
        confusion={task.name: _confusion(found, task) for task in _of(found, Kind.CLASSES) if len(task) <= LARGEST},
        counts={task.name: _counts(found, task) for task in _of(found, Kind.ATTRIBUTES)},
        reliability={task.name: each for task in found.tasks if (each := of_task(found, task))},
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
    """The rows of each value of a column; numbers with many values are divided into four parts of about equal size.

    Rows without a value form the group ``no value``.

    Raises:
        ManifestError: if the column is missing, or has too many values.
    """
    if column not in rows.column_names:
        raise ManifestError(f"no column {column} for subgroups")
    values = rows[column].combine_chunks()
    count = pc.count_distinct(values).as_py()
    if _is_number(values.type) and count > VALUES:
        numbers = np.asarray(pc.fill_null(values.cast(pa.float64()), np.nan))
        known, found = np.isfinite(numbers), _quarters(numbers)
    elif count > LARGEST:
        raise ManifestError(f"column {column} has {count} values, too many for subgroups (at most {LARGEST})")
    else:
        known, codes = np.asarray(pc.is_valid(values)), column_codes(values)
        first = {code: str(values[int(np.argmax(codes == code))].as_py()) for code in np.unique(codes[known])}
        found = {name: codes == code for code, name in sorted(first.items(), key=lambda item: item[1])}
    return found if known.all() else {**found, "no value": ~known}


def _quarters(numbers: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """The rows between the quartiles; NaN is in no part."""
    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, QUARTERS + 1)))
    found = {}
    for low, high in pairwise(edges):
        top = numbers <= high if high == edges[-1] else numbers < high
        if (inside := known & (numbers >= low) & top).any():
            found[f"{low:.4g} to {high:.4g}"] = inside
    return found


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


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
