"""Mix sets into task-aligned mini-batches (papers/003, section 4.4): a step concatenates a batch of each set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.learn.batch import Batch, collate, concatenate
from mien.learn.data.batches.plans import Aligned, Plan
from mien.learn.data.manifest import Manifest
from mien.tasks import Task

Columns = Mapping[str, NDArray[np.float32]]
"""The labels of a set's rows by task, as :meth:`mien.learn.data.manifest.Manifest.column` returns them."""


def proportional_sizes(lengths: Sequence[int], total: int) -> list[int]:
    """Divide a batch of ``total`` rows among sets in proportion to their lengths, at least 1 each.

    One epoch then covers all sets.

    Example:
        >>> proportional_sizes([90, 30], 40)
        [30, 10]
    """
    share = total / sum(lengths) if lengths else 0.0
    return [max(1, round(length * share)) for length in lengths]


def balanced(
    manifest: Manifest, task: Task | None, power: float, keep: Mapping[str, float] | None = None, seed: int = 0
) -> NDArray[np.int_]:
    """The row numbers of one pass that repeats rows of rare classes.

    A row of class c appears ``(n_max / n_c) ** power`` times, rounded, where n counts the hard labels of ``task``,
    which has classes. A row without such a label, or with one that ``keep`` hides, appears once.

    Args:
        manifest: the rows.
        task: the task whose classes are balanced; None repeats no row.
        power: 0 repeats no row, 1 makes all classes equally frequent.
        keep: as in :class:`LabelledSet`.
        seed: as in :class:`Mixing`; decides which labels ``keep`` hides.
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
    """Rows of a manifest to train on, with the labels that they provide.

    Args:
        manifest: the rows.
        tasks: names of the tasks whose labels are used; None means all.
        size: number of its rows in each step.
        turns: the rows of one pass over the set (see :func:`balanced`); every row once by default.
        keep: for each task, the share of its labelled rows that keep their labels; other labels are hidden.
    """

    manifest: Manifest
    tasks: tuple[str, ...] | None
    size: int
    turns: NDArray[np.int_] | None = None
    keep: Mapping[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> NDArray[np.int_]:
        """The row numbers of one pass."""
        return np.arange(len(self.manifest)) if self.turns is None else self.turns

    def columns(self, tasks: Sequence[Task], seed: int) -> dict[str, NDArray[np.float32]]:
        """The labels that the set provides, NaN where missing; the seed decides which are hidden."""
        used = [task for task in tasks if self.tasks is None or task.name in self.tasks]
        columns = {task.name: self.manifest.column(task) for task in used}
        for name in sorted(set(self.keep) & set(columns)):
            columns[name] = _hidden(columns[name], self.keep[name], seed, name)
        return columns


class Mixing:
    """The batches of a run over several sets; they do not depend on the order in which steps are requested.

    The rows of a step depend on the seed and the step only, so a run can resume at any step. A mixing is
    immutable; :meth:`with_labels`, :meth:`stratified` and :meth:`shard` return a new one.

    Args:
        sets: the sets to mix.
        tasks: the label space of the batches.
        seed: seed of the row order.
        rank: this process takes every ``world``-th row of each set's rows in a step, starting with this one.
        world: number of processes. No row is on two ranks, none is missing or repeated, and ranks differ by at most one
            row per set.
        plan: how many rows of each set are in a step; by default the sets' sizes, in every step.
        columns: for each set the labels of its manifest's rows by task, NaN where missing; by default the labels that
            the sets provide.
        strata: for each set the stratum of each row of its manifest, or None for a set without strata. The rows of each
            stratum are spread evenly over every pass.

    Example:
        >>> mixing = Mixing([LabelledSet(manifest, None, size=32)], manifest.tasks, seed=0)  # doctest: +SKIP
        >>> len(mixing.batch(step=7))  # doctest: +SKIP
        32
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
        columns: Sequence[Columns] | None = None,
        strata: Sequence[NDArray[np.int_] | None] | None = None,
    ) -> None:
        self.sets, self.tasks, self.seed, self.rank, self.world = tuple(sets), tuple(tasks), seed, rank, world
        self.plan = plan or Aligned([len(part.rows) for part in sets], [part.size for part in sets])
        self.steps_per_epoch = self.plan.steps
        given = [part.columns(tasks, seed) for part in sets] if columns is None else columns
        self.columns: tuple[Columns, ...] = tuple(MappingProxyType(dict(labels)) for labels in given)
        self.strata = (None,) * len(self.sets) if strata is None else tuple(strata)
        self._orders: dict[int, tuple[int, NDArray[np.int_]]] = {}

    def with_labels(self, columns: Sequence[Columns]) -> Mixing:
        """The same rows in the same order with other labels, such as labels filled in by a teacher.

        Args:
            columns: for each set the labels of its manifest's rows by task, NaN where missing.
        """
        return self._changed(columns=columns)

    def stratified(self, strata: Sequence[NDArray[np.int_] | None]) -> Mixing:
        """The same passes with the rows of each stratum spread evenly, so that each step has its share of them.

        Args:
            strata: for each set the stratum of each row of its manifest; None keeps the order of a set.
        """
        return self._changed(strata=strata)

    def shard(self, rank: int, world: int) -> Mixing:
        """The share of every batch that belongs to process ``rank`` of ``world``."""
        return self._changed(rank=rank, world=world)

    def _changed(self, **changes: Any) -> Mixing:
        kept = {"rank": self.rank, "world": self.world, "plan": self.plan}
        return Mixing(
            self.sets, self.tasks, self.seed, **{**kept, "columns": self.columns, "strata": self.strata, **changes}
        )

    def unlabelled(self) -> list[tuple[str, str]]:
        """Task and label of each output for which no set has a labelled row."""
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
        """The rows of set ``index`` at a step, counted over the whole run; each pass over a set has its own order."""
        length = len(self.sets[index].rows)
        positions = self.plan.positions(index, step)
        return np.array([self._order(index, int(p) // length)[int(p) % length] for p in positions], int)

    def batch(self, step: int) -> Batch:
        """The mixed batch of a step, or this rank's share of it."""
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
            if (strata := self.strata[index]) is not None:
                order = spread(order, strata[order])
            cached = self._orders[index] = (turn, order)
        return cached[1]


def spread(order: NDArray[np.int_], strata: NDArray[np.int_]) -> NDArray[np.int_]:
    """The rows reordered so that every stratum is spread evenly; the order within a stratum is kept.

    Any section of the new order contains each stratum in proportion to the whole, rounded up or down, give or take one.

    Args:
        order: row numbers.
        strata: the strata of these rows, in the same order.
    """
    places = np.empty(len(order))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    return order[places.argsort(kind="stable")]


def _hidden(column: NDArray[np.float32], share: float, seed: int, task: str) -> NDArray[np.float32]:
    """The column of a task with the labels removed from all but this share of its labelled rows."""
    known = ~np.isnan(column)
    labelled = np.flatnonzero(known if column.ndim == 1 else known.any(1))
    order = np.random.default_rng([seed, *task.encode()]).permutation(labelled)
    column = column.copy()
    column[order[round(share * len(order)) :]] = np.nan
    return column


def _any_label(column: NDArray[np.float32], labels: int) -> NDArray[np.bool_]:
    """For each label of a task, whether any row is labelled for it (for classes: has this class)."""
    return np.isin(np.arange(labels), column) if column.ndim == 1 else np.asarray((~np.isnan(column)).any(0))


def in_order(manifest: Manifest, tasks: Sequence[Task], size: int) -> Iterator[Batch]:
    """Yield each row once, in order, in batches with hard class labels, for evaluation."""
    columns = {task.name: manifest.column(task, hard=True) for task in tasks}
    for start in range(0, len(manifest), size):
        rows = np.arange(start, min(start + size, len(manifest)))
        yield collate(manifest.images(rows), {name: column[rows] for name, column in columns.items()}, tasks)
