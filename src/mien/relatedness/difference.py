"""Where two tables of relatedness differ: cell by cell over the labels that both have, and labels that one lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.relatedness.table import Relatedness


@dataclass(frozen=True)
class Cell:
    """A class and an attribute with the weight and the mark of both tables."""

    row: str
    column: str
    weights: tuple[float, float]
    prototypical: tuple[bool, bool]

    @property
    def difference(self) -> float:
        """The second weight minus the first, in [-1, 1]."""
        return self.weights[1] - self.weights[0]


@dataclass(frozen=True, eq=False)
class Difference:
    """How a second table differs from a first one.

    Args:
        rows, columns: labels that both have, in the first one's order.
        values: rows x columns in [-1, 1], the second one's weights minus the first one's.
        cells: those that differ, the largest difference first.
        lacking: "first" or "second" and "class" or "attribute" -> the labels that this one lacks.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    cells: tuple[Cell, ...]
    lacking: dict[tuple[str, str], tuple[str, ...]]


def diff(first: Relatedness, second: Relatedness, tolerance: float = 0.0) -> Difference:
    """Compare two tables by their labels; their orders and the names of their tasks do not matter.

    Args:
        first, second: the tables.
        tolerance: weights that differ by no more than this are the same.

    Returns:
        The difference; a cell that only one table marks as prototypical differs whatever the weights.
    """
    rows: list[str] = []
    columns: list[str] = []
    lacking = {}
    for kind, of_first, of_second, shared in (
        ("class", first.class_labels, second.class_labels, rows),
        ("attribute", first.attribute_labels, second.attribute_labels, columns),
    ):
        here, there = set(of_first), set(of_second)
        shared += [label for label in of_first if label in there]
        lacking["first", kind] = tuple(label for label in of_second if label not in here)
        lacking["second", kind] = tuple(label for label in of_first if label not in there)
    (a, always_a), (b, always_b) = (_common(table, rows, columns) for table in (first, second))
    where = np.argwhere((np.abs(b - a) > tolerance) | (always_a != always_b))
    cells = [
        Cell(
            rows[row],
            columns[column],
            (float(a[row, column]), float(b[row, column])),
            (bool(always_a[row, column]), bool(always_b[row, column])),
        )
        for row, column in where
    ]
    ordered = tuple(sorted(cells, key=lambda cell: -abs(cell.difference)))
    return Difference(tuple(rows), tuple(columns), b - a, ordered, lacking)


def _common(table: Relatedness, rows: list[str], columns: list[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Weights and marks of these labels."""
    places = ({label: at for at, label in enumerate(labels)} for labels in (table.class_labels, table.attribute_labels))
    at = np.ix_(*([place[label] for label in labels] for place, labels in zip(places, (rows, columns), strict=True)))
    return table.weights[at], table.prototypical[at]
