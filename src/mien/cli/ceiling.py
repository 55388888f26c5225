"""The command ``mien relatedness ceiling``: parses, calls, prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.terminal import needs_extra, print_table, refusals

FIGURES = ("accuracy", "f1", "mean_recall", "total_accuracy")


def ceiling(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="A manifest, or the folder that holds it.")],
    classes: Annotated[str, typer.Option(metavar="TASK", help="The task of classes.")],
    attributes: Annotated[str, typer.Option(metavar="TASK", help="The task of attributes.")],
    split: Annotated[str, typer.Option(help="Which of its rows.")] = "train",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write every figure as JSON.")] = None,
) -> None:
    """How much a table could say: the classes from true attributes, and the attributes from the true class.

    No picture is looked at. Where a network does better than this, a coupling has little to give it.
    """
    with needs_extra():
        from mien.cli.relatedness import class_labels_of, task_of
        from mien.learn.data.manifest.manifest import read_manifest
        from mien.learn.evaluate.ceiling import ceiling as judge

    with refusals():
        rows = read_manifest(manifest).split(split)
        first, second = task_of(rows, classes), task_of(rows, attributes)
        found = judge(first, second, class_labels_of(rows, first), rows.column(second))
        if out:
            out.write_text(json.dumps(found, indent=1) + "\n")
    print_table(
        ["told", *FIGURES],
        [
            [told, *(f"{metrics[name]:.4f}" if name in metrics else "" for name in FIGURES)]
            for told, metrics in found.items()
        ],
    )
