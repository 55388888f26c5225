"""Task-aligned mini-batches (papers/003, section 4.4): one batch of each set, concatenated, at every step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.learn.batch import Batch, collate, concatenate
from mien.learn.data.batches.plans import Aligned, Plan
from mien.learn.data.manifest.manifest import Manifest
from mien.tasks import Task


def proportional_sizes(lengths: Sequence[int], total: int) -> list[int]:
    """Split a batch of ``total`` so that one epoch covers all sets: sizes in proportion, at least 1 each."""
    share = total / sum(lengths) if lengths else 0.0
    return [max(1, round(length * share)) for length in lengths]


def balanced(
    manifest: Manifest, task: Task | None, power: float, keep: Mapping[str, float] | None = None, seed: int = 0
) -> NDArray[np.int_]:
    """Row numbers of one pass, the rows of rare classes several times.

    A row of class c stands in it ``(n_max / n_c) ** power`` times, rounded, with n the counts of the hard labels of
    ``task``, of classes; a row without that label, or with one that ``keep`` hides, once. Power 0 is every row once, 1
    all classes alike; without a task every row comes once. ``keep`` and ``seed`` are those of :class:`LabelledSet`.
    """
    rows = np.arange(len(manifest))
    if task is None or power == 0:
        return rows
    labels = manifest.column(task, hard=True)
    if keep and task.name in keep:
        left = _hidden(manifest.column(task), keep[task.name], seed, task.name)
        labels = np.where(np.isnan(left.reshape(len(left), -1)).any(1), np.nan, labels)
    classes, counts = np.unique(labels[~np.isnan(labels)], return_counts=True)
    times = np.ones(len(manifest), int)
    for index, count in zip(classes, counts, strict=True):
        times[labels == index] = round((counts.max() / count) ** power)
    return np.repeat(rows, times)


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """Rows of a manifest that train together, with the labels that they lend.

    Args:
        manifest: the rows.
        tasks: names of the tasks whose labels are used; None for all.
        size: how many of its rows stand in each step.
        turns: the rows of one pass over the set (see :func:`balanced`); every row once by default.
        keep: share of the rows that keep their labels of a task; of the others they are hidden.
    """

    manifest: Manifest
    tasks: tuple[str, ...] | None
    size: int
    turns: NDArray[np.int_] | None = None
    keep: Mapping[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> NDArray[np.int_]:
        """The rows of one pass."""
        return np.arange(len(self.manifest)) if self.turns is None else self.turns

    def columns(self, tasks: Sequence[Task], seed: int) -> dict[str, NDArray[np.float32]]:
        """The labels that the set lends, NaN where there is none; which are hidden depends on ``seed`` alone."""
        lent = [task for task in tasks if self.tasks is None or task.name in self.tasks]
        columns = {task.name: self.manifest.column(task) for task in lent}
        for name in sorted(set(self.keep) & set(columns)):
            columns[name] = _hidden(columns[name], self.keep[name], seed, name)
        return columns


class Mixing:
    """Deterministic, resumable steps over several sets.

    The rows of a step depend on (seed, step) alone, so that a run can go on from any step.

    Args:
        sets: what to mix; ``columns`` are their labels, NaN where there is none.
        tasks: the label space of the batches.
        seed: of the orders.
        rank, world: this process takes every ``world``-th row of each set's rows in a step, from ``rank`` on: no row
            stands on two ranks, none is left out or repeated, and ranks differ by at most one row a set.
        plan: how many rows of each set stand in a step; by default as many as their sizes say, in every step.
    """

    def __init__(
        self,
        sets: Sequence[LabelledSet],
        tasks: Sequence[Task],
        seed: int,
        *,
        rank: int = 0,
        world: int = 1,
        plan: Plan | None = None,
    ):
        self.sets, self.tasks, self.seed, self.rank, self.world = tuple(sets), tuple(tasks), seed, rank, world
        self.plan = plan or Aligned([len(part.rows) for part in sets], [part.size for part in sets])
        self.steps_per_epoch = self.plan.steps
        self.columns = [part.columns(tasks, seed) for part in sets]
        self._orders: dict[int, tuple[int, NDArray[np.int_]]] = {}
        self._strata: tuple[NDArray[np.int_] | None, ...] = (None,) * len(self.sets)

    def with_labels(self, columns: Sequence[Mapping[str, NDArray[np.float32]]]) -> Mixing:
        """The same batches with other labels.

        Args:
            columns: for each set the labels of each task, a row for each row of its manifest.
        """
        return self._copy(columns=[dict(each) for each in columns])

    def stratified(self, strata: Sequence[NDArray[np.int_] | None]) -> Mixing:
        """Batches in which the rows of each stratum are spread evenly over every pass, so that each step has its share.

        Args:
            strata: for each set the stratum of each row of its manifest; None leaves a set as it is.
        """
        return self._copy(_strata=tuple(strata), _orders={})

    def shard(self, rank: int, world: int) -> Mixing:
        """The share of every batch that belongs to one of ``world`` processes."""
        return self._copy(rank=rank, world=world)

    def _copy(self, **changes: object) -> Mixing:
        other = copy(self)
        other.__dict__.update({"_orders": {}, **changes})
        return other

    def unlabelled(self) -> list[tuple[str, str]]:
        """Task and label of every output that no row of any set is labelled for."""
        labelled = {
            (task.name, label)
            for columns in self.columns
            for task in self.tasks
            if task.name in columns
            for label, some in zip(task.labels, _any_label(columns[task.name], len(task)), strict=True)
            if some
        }
        return [pair for task in self.tasks for label in task.labels if (pair := (task.name, label)) not in labelled]

    def rows(self, index: int, step: int) -> NDArray[np.int_]:
        """Rows of set ``index`` at this step, counted over the whole run; each pass over a set has its own order."""
        length = len(self.sets[index].rows)
        positions = self.plan.positions(index, step)
        return np.array([self._order(index, int(p) // length)[int(p) % length] for p in positions], int)

    def batch(self, step: int) -> Batch:
        """The mixed batch of this step, or this rank's share of it."""
        parts = []
        for index, part in enumerate(self.sets):
            rows = self.rows(index, step)[self.rank :: self.world]
            columns = {name: column[rows] for name, column in self.columns[index].items()}
            parts.append(collate(part.manifest.images(rows), columns, self.tasks))
        return concatenate(parts, self.tasks)

    def _order(self, index: int, turn: int) -> NDArray[np.int_]:
        cached = self._orders.get(index)
        if cached is None or cached[0] != turn:
            order = np.random.default_rng([self.seed, index, turn]).permutation(self.sets[index].rows)
            if (strata := self._strata[index]) is not None:
                order = spread(order, strata[order])
            cached = self._orders[index] = (turn, order)
        return cached[1]


def spread(order: NDArray[np.int_], strata: NDArray[np.int_]) -> NDArray[np.int_]:
    """The rows in an order in which every stratum is spread evenly; within a stratum their order stays.

    Any stretch of the new order has of each stratum its share of the whole, rounded up or down, or one more or less.

    Args:
        order: rows.
        strata: of these rows, in this order.
    """
    places = np.empty(len(order))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    return order[places.argsort(kind="stable")]


def _hidden(column: NDArray[np.float32], share: float, seed: int, task: str) -> NDArray[np.float32]:
    """The column of a task with the labels of all but this share of its labelled rows gone."""
    known = ~np.isnan(column)
    labelled = np.flatnonzero(known if column.ndim == 1 else known.any(1))
    order = np.random.default_rng([seed, *task.encode()]).permutation(labelled)
    column = column.copy()
    column[order[round(share * len(order)) :]] = np.nan
    return column


def _any_label(column: NDArray[np.float32], labels: int) -> NDArray[np.bool_]:
    """For each label of a task, whether any row has it (of classes: is it)."""
    return np.isin(np.arange(labels), column) if column.ndim == 1 else np.asarray((~np.isnan(column)).any(0))


def in_order(manifest: Manifest, tasks: Sequence[Task], size: int) -> Iterator[Batch]:
    """All rows once, for evaluation, with hard class labels."""
    columns = {task.name: manifest.column(task, hard=True) for task in tasks}
    for start in range(0, len(manifest), size):
        rows = np.arange(start, min(start + size, len(manifest)))
        yield collate(manifest.images(rows), {name: column[rows] for name, column in columns.items()}, tasks)
