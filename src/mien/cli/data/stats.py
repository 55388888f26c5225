"""``mien data stats``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import Manifest, Overwrite
from mien.cli.terminal import needs_extra, print_table, refusals, refuse_existing

if TYPE_CHECKING:
    from mien.learn.data.manifest.statistics import Statistics

MOST = 60
"""Most labels of a task that are printed, by frequency; larger tasks get no table of pairs."""


def stats(
    manifest: Manifest,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also plot the counts to this .png, .svg or .pdf file.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Count the rows of a manifest by split, by label and by pairs of tasks.

    Example:
      mien data stats build/own --plot own.png
    """
    with needs_extra(), refusals():
        from mien.learn.data.manifest.statistics import count

        refuse_existing(plot, overwrite=overwrite)
        found = count(manifest)
        print(found.summary(manifest).splitlines()[0])
        for name, number in (("subjects", found.subjects), ("videos", found.videos)):
            if number is not None:
                print(f"{number} {name}")
        for step, number in found.excluded.items():
            print(f"{number} more rows are excluded by {step}")
        _print_labels(found)
        _print_pairs(found)
        if plot is not None:
            from mien.learn.data.manifest.statistics_plot import save_statistics

            save_statistics(found, f"{manifest}: {found.rows:,} {found.what}", plot)


def _print_labels(found: Statistics) -> None:
    """Print for how many rows each label is known, and how many have it."""
    from mien.tasks import Kind

    rows = []
    for task in found.tasks:
        often = sorted(task.labels, key=lambda label: -found.positive[label])[:MOST]
        for label in task.labels if len(task) <= MOST else often:
            known = found.known[task.name] if task.kind is Kind.CLASSES else found.known[label]
            positive = "" if task.kind is Kind.CONTINUOUS else str(found.positive[label])
            if known:
                rows.append((task.name, label, str(known), positive))
    print_table(("task", "label", "known", "positive"), rows)


def _print_pairs(found: Statistics) -> None:
    """Print how many rows are labelled for each two tasks, and how often attributes occur with classes."""
    names = [task.name for task in found.tasks]
    cells = [[str(count) for count in row] for row in found.labelled]
    print_table(("rows labelled for both", *names), [(name, *row) for name, row in zip(names, cells, strict=True)])
    space = {task.name: task.labels for task in found.tasks}
    for (one, two), counts in found.pairs.items():
        if counts[..., 0].any() and len(counts) <= MOST:
            rows = [
                (label, *(f"{positive}/{known}" for known, positive in column))
                for label, column in zip(space[two], counts.transpose(1, 0, 2).tolist(), strict=True)
                if any(known for known, _ in column)
            ]
            print_table((f"{two}, positive/known, by {one}", *space[one]), rows)
