"""Differences of tables: cells matched by labels in any order, and labels that one table lacks."""

from dataclasses import replace

import numpy as np

from mien.relatedness.difference import Cell, diff
from mien.relatedness.table import AFF_WILD2, AFF_WILD2_002, DU_2014, Relatedness


def part(table: Relatedness, rows: list[int], columns: list[int]) -> Relatedness:
    return replace(
        table,
        class_labels=tuple(table.class_labels[row] for row in rows),
        attribute_labels=tuple(table.attribute_labels[column] for column in columns),
        weights=table.weights[np.ix_(rows, columns)],
        prototypical=table.prototypical[np.ix_(rows, columns)],
    )


def test_a_table_does_not_differ_from_itself_in_any_order() -> None:
    turned = part(DU_2014, list(range(6, -1, -1)), list(range(16, -1, -1)))
    for other in (DU_2014, turned):
        found = diff(DU_2014, other)
        assert found.cells == ()
        assert not found.values.any()
        assert not any(found.lacking.values())
        assert found.rows == DU_2014.class_labels


def test_the_tables_of_both_papers_differ_in_five_cells() -> None:
    found = diff(AFF_WILD2, AFF_WILD2_002).cells
    assert [(cell.row, cell.column, cell.weights) for cell in found] == [
        ("fear", "AU05", (0.38, 0)),
        ("disgust", "AU17", (0.23, 0)),
        ("disgust", "AU09", (0.21, 0)),
        ("anger", "AU09", (0.15, 0)),
        ("sadness", "AU17", (0.1, 0)),
    ]
    assert [cell.difference for cell in found] == [-0.38, -0.23, -0.21, -0.15, -0.1]
    assert len(diff(AFF_WILD2, AFF_WILD2_002, tolerance=0.2).cells) == 3


def test_swapping_the_tables_flips_the_signs() -> None:
    one, other = diff(DU_2014, AFF_WILD2), diff(AFF_WILD2, DU_2014)
    assert np.array_equal(one.values, -other.values)
    swapped = {Cell(c.row, c.column, c.weights[::-1], c.prototypical[::-1]) for c in other.cells}
    assert set(one.cells) == swapped


def test_labels_that_one_table_lacks_are_reported_and_not_compared() -> None:
    found = diff(part(DU_2014, [1, 2, 3], [0, 1, 2]), part(DU_2014, [3, 2, 0], [2, 1, 5]))
    assert (found.rows, found.columns) == (("sadness", "fear"), ("AU02", "AU04"))
    assert found.values.shape == (2, 2)
    assert found.cells == ()
    assert found.lacking == {
        ("first", "class"): ("neutral",),
        ("second", "class"): ("happiness",),
        ("first", "attribute"): ("AU07",),
        ("second", "attribute"): ("AU01",),
    }


def test_tables_without_a_label_in_common_have_no_cells() -> None:
    found = diff(part(DU_2014, [1], [0]), part(DU_2014, [2], [1]))
    assert (found.rows, found.columns, found.cells, found.values.shape) == ((), (), (), (0, 0))


def test_a_prototypical_mark_alone_is_a_difference() -> None:
    plain = replace(DU_2014, prototypical=np.zeros((7, 17), bool))
    found = diff(DU_2014, plain, tolerance=1)
    assert len(found.cells) == DU_2014.prototypical.sum()
    assert all(cell.prototypical == (True, False) and cell.difference == 0 for cell in found.cells)
