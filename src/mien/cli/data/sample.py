"""``mien data sample``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mien.cli.data.report_steps import add_and_print, first_classes
from mien.cli.options import ClassTask, Manifest, OnlySplit, Seed
from mien.cli.terminal import needs_extra, refusals


def sample(
    manifest: Manifest,
    every: Annotated[int | None, typer.Option(min=2, metavar="N", help="Keep every N-th frame of each video.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, metavar="N", help="Keep N random rows.")] = None,
    per_class: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Keep at most N random rows of each class.")
    ] = None,
    task: ClassTask = None,
    only_split: OnlySplit = None,
    seed: Seed = 0,
) -> None:
    """Keep a sample of the rows of a manifest and exclude the rest.

    `mien data clean MANIFEST --undo every` (or rows, or per_class) reverts it.

    Example:
      mien data sample build/own --per-class 100 --only-split train
    """
    with needs_extra(), refusals():
        if every is not None and only_split is not None:
            raise ValueError("--only-split: not with --every, which samples all videos")
        steps: list[tuple[str, dict[str, Any]]] = []
        if every is not None:
            steps.append(("every", {"frames": every}))
        if rows is not None:
            steps.append(("rows", {"count": rows, "seed": seed, "split": only_split}))
        if per_class is not None:
            chosen = {"task": task or first_classes(manifest), "count": per_class, "seed": seed, "split": only_split}
            steps.append(("per_class", chosen))
        if not steps:
            raise ValueError("mien data sample needs --every, --rows or --per-class")
        add_and_print(manifest, steps)
