"""``mien data clean``."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.data.report_steps import add_and_print, print_steps
from mien.cli.options import REPEAT, Manifest
from mien.cli.terminal import needs_extra, refusals


def clean(
    manifest: Manifest,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE", help=f"Exclude rows by this rule: affect_consistency or every_fifth_frame. {REPEAT}"
        ),
    ] = None,
    undo: Annotated[
        list[str] | None, typer.Option(metavar="STEP", help=f"Revert this rule, sample or split. {REPEAT}")
    ] = None,
) -> None:
    """Exclude rows by named rules, or revert earlier steps.

    Excluded rows are not deleted. Without options, the steps of the manifest are listed.

    Example:
      mien data clean build/affectnet --rule affect_consistency
    """
    with needs_extra(), refusals():
        from mien.learn.data.manifest import read_metadata
        from mien.learn.data.steps.history import RULES, read_steps, undo_steps
        from mien.spelling import did_you_mean

        for name in rule or ():
            if name not in RULES:
                raise ValueError(f"--rule {name}: no such rule{did_you_mean(name, RULES)}")
        if undo:
            print_steps(undo_steps(manifest, undo))
        if rule:
            add_and_print(manifest, [(name, {}) for name in rule])
        if not undo and not rule:
            print_steps(read_steps(read_metadata(manifest)[2]))
