"""``mien export``. PyTorch is imported inside the command only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import Checkpoint, Overwrite
from mien.cli.terminal import fail, needs_extra, refuse_existing


def export(
    checkpoint: Checkpoint,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The .onnx file to write.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the network.", show_default="the recipe's")
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Store weights in 16 bits: half the size, the same speed.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a trained network as one ONNX file, for `mien annotate`.

    If the checkpoint has a calibration, it is built in. The exported network is compared with the original before the
    file is written.

    Example:
      mien export runs/own/best own.onnx
    """
    with needs_extra():
        from mien.learn.checkpoint import CheckpointError
        from mien.learn.export.onnx_file import export as write

    if target.suffix != ".onnx":
        fail(f"{target}: the name must end in .onnx", 2)
    try:
        refuse_existing(target, overwrite=overwrite)
        difference = write(checkpoint, target, name=name, half=half)
    except (CheckpointError, OSError, RuntimeError) as error:
        fail(str(error), 2)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB; differs from the original by at most {difference:.0e}")
