"""The command ``mien data prepare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mien.cli.terminal import complain, needs_extra, progress, refusals

SHOWN = 20
"""Faults that are told on stderr; all stand in the file."""


def prepare(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a manifest without a pack.")],
    use: Annotated[
        Literal["landmarks", "box", "detector"],
        typer.Option(
            help="What says which face a row means. landmarks: its own; where it has none, as with box: the detected "
            "face that fits its box best; where it has none, as with detector: the largest face."
        ),
    ] = "landmarks",
    tight: Annotated[
        bool | None,
        typer.Option(
            "--tight/--whole",
            help="Pictures that end at the face are enlarged, with a border around; by default what the manifest says, "
            "or else those of at most 64 pixels.",
        ),
    ] = None,
    grey: Annotated[
        bool | None,
        typer.Option("--grey/--colour", help="Keep the brightness only; by default what the manifest says."),
    ] = None,
    side: Annotated[
        int | None,
        typer.Option(
            min=8,
            help="Pack whole pictures with so many pixels a side, and look for no faces; by default what the manifest "
            "says.",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
) -> None:
    """Find, align and pack the face of every row of a manifest, or its whole picture, once.

    What was cut short goes on where it was if the command is given again.
    """
    with needs_extra(), refusals():
        import av  # noqa: F401
        import pyarrow.parquet as pq

        from mien.learn.data.manifest.manifest import MANIFEST
        from mien.learn.data.pack.crops import pack_options
        from mien.learn.data.pack.prepare import ERRORS, prepare_manifest, read_unprepared

        metadata = read_unprepared(folder) or {}
        total = pq.read_metadata(folder / MANIFEST).num_rows
        how = pack_options(metadata, use=use, tight=tight, grey=grey, side=side)
        with progress("packing" if how.side else "finding faces", total) as advance:
            faults = prepare_manifest(folder, how, workers=workers, advance=advance)
    for line in faults[:SHOWN]:
        complain(line)
    if len(faults) > SHOWN:
        complain(f"and {len(faults) - SHOWN} more: all are in {folder / ERRORS}")
    found = pq.read_metadata(folder / MANIFEST).num_rows
    what = "pictures" if how.side else "faces"
    print(f"{found} {what} in {folder}" + (f"; {len(faults)} rows left out, see {folder / ERRORS}" if faults else ""))
    raise typer.Exit(1 if faults else 0)
