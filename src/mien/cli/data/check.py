"""``mien data check``."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.options import Manifest
from mien.cli.terminal import fail, needs_extra, progress, refusals


def check(
    manifest: Manifest,
    files: Annotated[
        bool, typer.Option("--files", help="Also check that the pictures exist and contain their boxes.")
    ] = False,
    pictures: Annotated[
        bool,
        typer.Option("--pictures", help="Also check that no picture is in two splits; reads all crops or files."),
    ] = False,
) -> None:
    """Check a manifest for errors.

    Exit status: 0 if there are none, 1 if there are some (one line for each kind), 2 if it is not a manifest.

    Example:
      mien data check build/own --files
    """
    with needs_extra(), refusals():
        import pyarrow.parquet as pq

        from mien.learn.data.manifest import read_metadata
        from mien.learn.data.manifest.check import check_manifest

        rows = pq.read_metadata(read_metadata(manifest)[0]).num_rows
        with progress("reading", rows, hidden=not (files or pictures)) as advance:
            found = list(check_manifest(manifest, files=files, pictures=pictures, advance=advance))
    if found:
        fail("\n".join(found), 1)
    print(f"{manifest}: {rows} rows, no errors")
