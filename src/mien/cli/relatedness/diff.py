"""``mien relatedness diff``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import Most, Overwrite, out_option
from mien.cli.relatedness.arguments import pairs_of_tables, table_argument
from mien.cli.relatedness.printing import (
    IMAGE,
    check_output,
    numbered,
    print_heat_map,
    refuse_tables,
    table_refusals,
    weight,
)
from mien.cli.terminal import print_table
from mien.spelling import listed

if TYPE_CHECKING:
    from mien.relatedness.difference import Cell, Difference


def diff(
    first: Annotated[str, table_argument("FIRST")],
    second: Annotated[str, table_argument("SECOND")],
    tolerance: Annotated[
        float, typer.Option(min=0, metavar="WEIGHT", help="Ignore differences up to this weight.")
    ] = 0.005,
    most: Most = 30,
    out: Annotated[Path | None, out_option("Write a heat map of the differences to this .png file.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Print where two tables differ, largest differences first.

    Labels that only one table has are listed too. If checkpoints have several tables, those over the same two tasks
    are compared.

    Example:
      mien relatedness diff aff_wild2 aff_wild2_002
    """
    with table_refusals():
        from mien.relatedness.difference import diff as compare
        from mien.relatedness.heatmap import difference_map, save_heat_map

        check_output(out, IMAGE)
        pairs = pairs_of_tables(first, second)
        refuse_tables(out, len(pairs), overwrite=overwrite)
        for number, (a, b) in enumerate(pairs, 1):
            difference = compare(a, b, tolerance)
            shown = difference_map(difference, first, second, most)
            if sys.stdout.isatty() and difference.cells:
                print_heat_map(shown, a.classes)
            _print(difference, [a.classes, a.attributes, first, second, "difference"], most)
            print(f"{len(difference.cells)} of {difference.values.size} cells differ by more than {tolerance:g}")
            if target := numbered(out, number, len(pairs)):
                save_heat_map(shown, target)
                print(f"heat map: {target}")


def _print(difference: Difference, header: list[str], most: int) -> None:
    """Print the cells that differ, and the labels that one of the tables lacks."""
    _, _, first, second, _ = header
    if difference.cells:
        print_table(header, [_line(cell) for cell in difference.cells[:most]])
    if len(difference.cells) > most:
        print(f"... and {len(difference.cells) - most} more")
    for (side, kind), labels in difference.lacking.items():
        if labels:
            print(f"{first if side == 'first' else second} lacks the {kind} {listed(labels, 10)}")


def _line(cell: Cell) -> list[str]:
    both = [weight(value, mark) for value, mark in zip(cell.weights, cell.prototypical, strict=True)]
    return [cell.row, cell.column, *(text if text != "0" else "" for text in both), f"{cell.difference:+.3g}"]
