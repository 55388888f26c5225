"""``mien relatedness show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mien.cli.options import Most, Overwrite, out_option
from mien.cli.relatedness.arguments import open_tables, table_argument
from mien.cli.relatedness.printing import (
    TABLES,
    check_output,
    numbered,
    print_heat_map,
    print_informative,
    refuse_tables,
    table_refusals,
    write_table,
)


def show(
    table: Annotated[str, table_argument("TABLE")],
    most: Most = 30,
    out: Annotated[
        Path | None, out_option("Write the table to this file: .csv or .json; .png for its heat map only.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Print a table, as a heat map if the terminal has colours.

    The named tables are du_2014, aff_wild2 and aff_wild2_002. If a checkpoint has several tables, all are printed, and
    --out numbers their files.

    Example:
      mien relatedness show du_2014 --out heat.png
    """
    with table_refusals():
        from mien.relatedness.heatmap import heat_map

        check_output(out, *TABLES)
        tables = open_tables(table)
        refuse_tables(out, len(tables), overwrite=overwrite)
        for number, each in enumerate(tables, 1):
            print_heat_map(heat_map(each, most), each.classes)
            print_informative(each)
            if target := numbered(out, number, len(tables)):
                write_table(each, target, most)
