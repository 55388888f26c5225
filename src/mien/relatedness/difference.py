"""The difference of two tables of relatedness: cells of the labels they share, and labels that only one of them has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.relatedness.table import Relatedness


@dataclass(frozen=True)
class Cell:
    """A cell that both tables have.

    Args:
        row, column: the class and the attribute.
        weights, prototypical: the weight, and whether it is prototypical, in the first and in the second table.
    """

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
        rows, columns: the labels that both tables have, in the order of the first.
        values: rows x columns in [-1, 1], the weights of the second table minus those of the first.
        cells: the cells that differ, largest difference first.
        lacking: ("first" or "second", "class" or "attribute") -> the labels that this table lacks.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    cells: tuple[Cell, ...]
    lacking: dict[tuple[str, str], tuple[str, ...]]


def diff(first: Relatedness, second: Relatedness, tolerance: float = 0.0) -> Difference:
    """Compare two tables by their labels; the order of the labels and the names of the tasks do not matter.

    Args:
        first, second: the tables.
        tolerance: weights that differ by no more than this count as equal.

    Returns:
        The difference; a cell that is prototypical in only one table always differs.

    Example:
        >>> from mien.relatedness import AFF_WILD2, AFF_WILD2_002
        >>> cell = diff(AFF_WILD2, AFF_WILD2_002).cells[0]
        >>> cell.row, cell.column, cell.difference
        ('fear', 'AU05', -0.38)
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
    """The weights of these labels, and which of them are prototypical."""
    places = ({label: at for at, label in enumerate(labels)} for labels in (table.class_labels, table.attribute_labels))
    at = np.ix_(*([place[label] for label in labels] for place, labels in zip(places, (rows, columns), strict=True)))
    return table.weights[at], table.prototypical[at]
