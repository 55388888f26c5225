"""How the commands print and write tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli.terminal import fail, print_table, refusals, refuse_existing

if TYPE_CHECKING:
    from mien.relatedness.heatmap import HeatMap
    from mien.relatedness.table import Relatedness

IMAGE = ".png"
TABLES = (".csv", ".json", IMAGE)


def print_heat_map(shown: HeatMap, classes: str) -> None:
    """Print shaded cells for people on a terminal, and tab-separated lines for programs elsewhere."""
    if sys.stdout.isatty():
        from rich.console import Console

        from mien.relatedness.heatmap_terminal import print_heat_map

        print_heat_map(shown, Console())
        return
    rows = [
        [label, *(weight(value, mark) for value, mark in zip(values, marks, strict=True))]
        for label, values, marks in zip(shown.rows, shown.values, shown.marked, strict=True)
    ]
    print_table([classes, *shown.columns], rows)
    print("\n".join(shown.notes))


def print_informative(table: Relatedness) -> None:
    """Print the attributes that reveal most about the class."""
    import numpy as np

    from mien.relatedness.inference import informativeness

    share = informativeness(table)
    order = [at for at in np.argsort(-share, kind="stable")[:8] if share[at] > 0]
    words = ", ".join(f"{table.attribute_labels[at]} {share[at]:.2f}" for at in order)
    classes = table.classes.replace("_", " ")
    print(
        f"most informative about the {classes} (mutual information, the largest is 1): {words}"
        if order
        else f"no attribute is informative about the {classes}"
    )


def write_table(table: Relatedness, target: Path, most: int) -> None:
    """Write a table, or its heat map, and print where."""
    from mien.relatedness.heatmap import heat_map, save_heat_map

    if target.suffix.lower() == IMAGE:
        save_heat_map(heat_map(table, most), target)
        print(f"heat map: {target}")
    else:
        table.save(target)
        print(f"table: {target}")


def weight(value: float, prototypical: bool) -> str:
    """A weight, with a star if it is prototypical."""
    return f"{value:.4g}" + ("*" if prototypical else "")


def numbered(out: Path | None, number: int, count: int) -> Path | None:
    """The file of a checkpoint's table: ``out`` for the only one, otherwise ``out-1``, ``out-2`` ..."""
    return out.with_stem(f"{out.stem}-{number}") if out is not None and count > 1 else out


def check_output(out: Path | None, *suffixes: str) -> None:
    """Refuse, before any work, a file that could not be written.

    Raises:
        ValueError: if its name ends in none of the suffixes; the message is one line.
        ModuleNotFoundError: if it is a picture and matplotlib is not installed.
    """
    if out is None:
        return
    if out.suffix.lower() not in suffixes:
        raise ValueError(f"{out}: the name must end in {', '.join(suffixes)}")
    if out.suffix.lower() == IMAGE:
        import matplotlib  # noqa: F401


def refuse_tables(out: Path | None, count: int, *, overwrite: bool) -> None:
    """Refuse to replace any of the files that this many tables are written to."""
    refuse_existing(*(numbered(out, number, count) for number in range(1, count + 1)), overwrite=overwrite)


@contextmanager
def table_refusals() -> Iterator[None]:
    """End the command with one line on bad input, or if a picture needs a package that is not installed."""
    try:
        with refusals():
            yield
    except ModuleNotFoundError as error:
        fail(f"a .png needs {error.name}: pip install 'mien[train]'", 2)
