"""``mien data prepare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from mien.cli.options import CoreWorkers, Side
from mien.cli.terminal import complain, needs_extra, progress, refusals

SHOWN = 20
"""Number of skipped rows that are printed; the file lists all of them."""


def prepare(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a manifest without a pack.")],
    use: Annotated[
        Literal["landmarks", "box", "detector"],
        typer.Option(
            metavar="NAME",
            help="How to locate the face of a row. landmarks: by its own landmarks; box: the detected face that best "
            "fits its box; detector: the largest detected face. Rows without landmarks fall back to box, rows without "
            "a box to detector.",
        ),
    ] = "landmarks",
    tight: Annotated[
        bool | None,
        typer.Option(
            "--tight/--whole",
            help="Enlarge pictures that end at the face and add a border around them, or use them as they are.",
            show_default="the manifest's setting, else --tight up to 64 pixels",
        ),
    ] = None,
    grey: Annotated[
        bool | None,
        typer.Option(
            "--grey/--colour",
            help="Keep only the brightness, or the colours too.",
            show_default="the manifest's setting, else --colour",
        ),
    ] = None,
    side: Side = None,
    workers: CoreWorkers = None,
) -> None:
    """Find, align and pack the face of every row of a manifest.

    To continue an interrupted run, run the same command again. Exit status: 0 when done, 1 if unusable
    rows were skipped, 2 if the manifest cannot be used.

    Example:
      mien data prepare build/own
    """
    with needs_extra(), refusals():
        import av  # noqa: F401
        import pyarrow.parquet as pq

        from mien.learn.data.manifest import MANIFEST
        from mien.learn.data.pack.crops import pack_options
        from mien.learn.data.pack.prepare import ERRORS, prepare_manifest, read_unprepared

        metadata = read_unprepared(folder) or {}
        total = pq.read_metadata(folder / MANIFEST).num_rows
        options = pack_options(metadata, use=use, tight=tight, grey=grey, side=side)
        with progress("packing" if options.side else "finding faces", total) as advance:
            faults = prepare_manifest(folder, options, workers=workers, advance=advance)
        found = pq.read_metadata(folder / MANIFEST).num_rows
    _print_faults(faults, folder / ERRORS)
    skipped = f"; {len(faults)} rows skipped, see {folder / ERRORS}" if faults else ""
    print(f"{found} {'pictures' if options.side else 'faces'} in {folder}{skipped}")
    raise typer.Exit(1 if faults else 0)


def _print_faults(faults: Sequence[str], file: Path) -> None:
    for line in faults[:SHOWN]:
        complain(line)
    if len(faults) > SHOWN:
        complain(f"and {len(faults) - SHOWN} more: {file} lists all")
