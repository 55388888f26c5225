"""``mien data split``."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.data.report_steps import add_and_print, first_classes
from mien.cli.options import ClassTask, Group, Manifest, OnlySplit, Seed
from mien.cli.terminal import needs_extra, refusals


def split(
    manifest: Manifest,
    valid: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of the rows that go into split valid.")
    ] = 0.2,
    test: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of the rows that go into split test.")
    ] = 0.0,
    group: Group = "subject",
    task: ClassTask = None,
    only_split: OnlySplit = None,
    seed: Seed = 0,
) -> None:
    """Split the rows into train, valid and test, keeping each subject in one split.

    Classes are spread evenly. `mien data clean MANIFEST --undo split` reverts it.

    Example:
      mien data split build/own --valid 0.1 --test 0.1
    """
    with needs_extra(), refusals():
        chosen = {"by": group, "valid": valid, "test": test, "only": only_split, "seed": seed}
        add_and_print(manifest, [("split", {**chosen, "task": task or first_classes(manifest)})])
