"""The arguments and options that several commands share: one type, one metavar and one help text each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

REPEAT = "Can be repeated."


def out_option(text: str, metavar: str = "FILE", default: str | bool = True) -> Any:
    """The option ``--out``, with what it writes and its default."""
    return Option("--out", metavar=metavar, help=text, show_default=default)


def group_option(default: str | bool = True) -> Any:
    """The option ``--group`` with its default."""
    return Option(
        "--group",
        metavar="COLUMN",
        help="Rows with the same value in this column belong together.",
        show_default=default,
    )


def workers_option(default: str | bool = True) -> Any:
    """The option ``--workers`` with its default."""
    return Option("--workers", min=1, metavar="N", help="Number of processes.", show_default=default)


Network = Annotated[
    str,
    Argument(metavar="NETWORK", help="A checkpoint folder, an exported .onnx file, or a bundled one: default, tiny."),
]
Checkpoint = Annotated[Path, Argument(metavar="CHECKPOINT", help="A checkpoint folder, such as runs/NAME/best.")]
Manifest = Annotated[Path, Argument(metavar="MANIFEST", help="A manifest, or the folder that holds it.")]
Manifests = Annotated[list[Path], Argument(metavar="MANIFEST...", help="Manifests, or the folders that hold them.")]
DataFolder = Annotated[Path, Argument(metavar="DIR", help="The folder to write: manifest.parquet and the pack.")]
Picture = Annotated[Path, Argument(metavar="FILE", help="The .png file to write.")]

Split = Annotated[str, Option("--split", metavar="SPLIT", help="The split whose rows are used.")]
TrainSplit = Annotated[str, Option("--train-split", metavar="SPLIT", help="The split to learn from.")]
ValidSplit = Annotated[
    str, Option("--valid-split", metavar="SPLIT", help="The split to fit on; it must not have been used for training.")
]
OnlySplit = Annotated[
    str | None, Option("--only-split", metavar="SPLIT", help="Change only this split; the others stay as they are.")
]
Task = Annotated[str, Option("--task", metavar="TASK", help="The task whose labels are used.")]
ClassTask = Annotated[
    str | None,
    Option(
        "--task", metavar="TASK", help="The task whose classes are counted.", show_default="first classification task"
    ),
]
Classes = Annotated[str, Option("--classes", metavar="TASK", help="The task whose classes are the rows of the table.")]
Attributes = Annotated[
    str, Option("--attributes", metavar="TASK", help="The task whose attributes are the columns of the table.")
]
Group = Annotated[str, group_option()]

JsonOut = Annotated[Path | None, out_option("Write all results to this file, as JSON.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace existing output.")]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Print errors only.")]
Seed = Annotated[int, Option("--seed", min=0, metavar="N", help="Seed of all random choices.")]
Workers = Annotated[int, workers_option()]
CoreWorkers = Annotated[int | None, workers_option("one per core")]
Set = Annotated[list[str] | None, Option("--set", metavar="KEY=VALUE", help=f"Override a value of the file. {REPEAT}")]
Side = Annotated[
    int | None,
    Option(
        "--side",
        min=8,
        metavar="PIXELS",
        help="Scale whole pictures to this side instead of cropping faces.",
        show_default="the manifest's setting",
    ),
]
Most = Annotated[int, Option("--most", min=1, metavar="N", help="Print or draw at most N classes.")]
