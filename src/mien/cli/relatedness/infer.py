"""``mien relatedness infer``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import Attributes, Classes, Manifest, Most, Overwrite, TrainSplit
from mien.cli.relatedness.arguments import class_labels_of, task_of
from mien.cli.relatedness.printing import (
    TABLES,
    check_output,
    print_heat_map,
    print_informative,
    table_refusals,
    write_table,
)
from mien.cli.terminal import refuse_existing
from mien.spelling import listed

if TYPE_CHECKING:
    from mien.relatedness.table import Relatedness


def infer(
    manifest: Manifest,
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="The table to write: .csv or .json; .png for its heat map only.")
    ],
    classes: Classes,
    attributes: Attributes,
    train_split: TrainSplit = "train",
    smoothing: Annotated[
        float, typer.Option(min=0, metavar="ROWS", help="Add this many rows with the overall rates to each class.")
    ] = 0.0,
    minimum_support: Annotated[
        int, typer.Option(min=1, metavar="ROWS", help="Use the overall rate for cells with fewer rows than this.")
    ] = 1,
    prototypical: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Mark cells with at least this share as prototypical, with weight 1."),
    ] = None,
    most: Most = 30,
    overwrite: Overwrite = False,
) -> None:
    """Count how often each attribute occurs with each class.

    Only rows that are labelled for both tasks count.

    Example:
      mien relatedness infer build/own own.csv --classes expression --attributes action_units
    """
    with table_refusals():
        from mien.learn.data.manifest import read_manifest
        from mien.relatedness.heatmap import heat_map
        from mien.relatedness.inference import infer as count

        check_output(target, *TABLES)
        refuse_existing(target, overwrite=overwrite)
        rows = read_manifest(manifest).split(train_split)
        rows_task, columns_task = task_of(rows, classes), task_of(rows, attributes)
        settings = f"smoothing {smoothing:g}, minimum support {minimum_support}"
        name = rows.metadata.get("source") or rows.path.parent.name
        found = count(
            rows_task,
            columns_task,
            class_labels_of(rows, rows_task),
            rows.column(columns_task),
            smoothing=smoothing,
            minimum_support=minimum_support,
            prototypical=prototypical,
            source=f"inferred from {name}, split {train_split}, {len(rows)} rows; {settings}",
        )
        print_heat_map(heat_map(found, most), found.classes)
        print_informative(found)
        _print_support(found, minimum_support)
        write_table(found, target, most)


def _print_support(table: Relatedness, minimum: int) -> None:
    """Print how many cells were counted over enough rows, and which attributes no row is annotated for."""
    assert table.support is not None
    lacking = table.support < minimum
    print(f"{lacking.size - lacking.sum()} of {lacking.size} cells were counted over {minimum} rows or more")
    if lacking.any():
        print(f"the other {lacking.sum()} have the overall rate of their attribute")
    never = [label for label, none in zip(table.attribute_labels, (table.support == 0).all(0), strict=True) if none]
    if never:
        print(f"no row is annotated for {listed(never, 10)}: weight 0")
