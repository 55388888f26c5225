"""``mien data import``. What it needs from ``learn`` is imported inside the command only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from mien.cli.data.summary import print_summary
from mien.cli.options import REPEAT, DataFolder, Overwrite, Side
from mien.cli.terminal import complain, needs_extra, progress, refusals, refuse_existing


def import_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The data set; `mien data list` lists them.")],
    roots: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[ROOT]", help="Its folder, file or archive; digits needs none."),
    ] = None,
    *,
    folder: DataFolder,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help=f"Set an option of the reader. {REPEAT}")
    ] = None,
    side: Side = None,
    prepare: Annotated[
        bool, typer.Option("--prepare/--no-prepare", help="Pack the pictures too, or write the manifest only.")
    ] = True,
    overwrite: Overwrite = False,
) -> None:
    """Import a data set into a folder to train on.

    To continue an interrupted import, run the same command again. Exit status: 0 when done, 1 if
    unusable rows were skipped (they are listed in import.errors.txt), 2 if nothing could be read.

    Example:
      mien data import ferplus ferplus.tar.gz build/ferplus
    """
    with needs_extra(), refusals():
        from mien.learn.data.importing.dataset import import_rows, prepare_rows
        from mien.learn.data.importing.errors import ImportErrors
        from mien.learn.data.importing.readers import find_reader, parse_options
        from mien.learn.data.manifest import MANIFEST

        reader = find_reader(name)
        options = parse_options(reader, option or ())
        root = _root(name, reader, roots or [], folder)
        if not prepare and hasattr(reader, "picture"):
            raise ValueError(f"the pictures of {name} are not in files; leave out --no-prepare")
        if _complete(folder, reader):
            refuse_existing(folder / MANIFEST, overwrite=overwrite)
        faults, read = ImportErrors(complain), False
        try:
            with progress("reading", None) as advance:
                count = import_rows(reader, root, folder, options, faults, advance)
            read = True
            if prepare:
                with progress("packing", count) as advance:
                    prepare_rows(folder, reader, faults, advance, side=side)
        finally:
            faults.close(folder if read else None)
        print_summary(folder)
    raise typer.Exit(1 if faults.kinds else 0)


def _root(name: str, reader: ModuleType, roots: Sequence[Path], folder: Path) -> Path | None:
    """The only ROOT, or None if the reader needs none."""
    from mien.learn.data.importing.readers import needs_root

    if len(roots) > 1 or (needs_root(reader) and not roots):
        given = " ".join(map(str, [*roots, folder]))
        needed = "ROOT and DIR" if needs_root(reader) else "DIR"
        raise ValueError(f"mien data import {name} needs {needed}; given: {given}")
    return roots[0] if roots else None


def _complete(folder: Path, reader: ModuleType) -> bool:
    """Whether an import into this folder has ended; one that was interrupted while packing has not."""
    import pyarrow.parquet as pq

    from mien.learn.data.manifest import MANIFEST
    from mien.learn.data.manifest.shards import SHARDS
    from mien.learn.data.pack.prepare import PLAN

    if not (folder / MANIFEST).exists():
        return False
    try:
        if "crop" in pq.read_schema(folder / MANIFEST).names:
            return True
    except (OSError, ValueError):  # not a manifest, which is refused later
        return False
    return not hasattr(reader, "picture") and not (folder / SHARDS / PLAN).exists()
