"""The commands that look at manifests and change them: parse, call, print. Nothing here needs PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.data_import import data
from mien.cli.terminal import fail, needs_extra, print_table, progress, refusals

__all__ = ["data"]

if TYPE_CHECKING:
    from mien.learn.data.manifest.statistics import Statistics
    from mien.learn.data.steps.history import Step

Manifest = Annotated[Path, typer.Argument(metavar="PATH", help="A manifest, or the folder that holds it.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")]


MOST = 60
"""Labels of a task that are printed; of more than that the most frequent ones, and no table of pairs."""


@data.command()
def check(
    path: Manifest,
    files: Annotated[
        bool, typer.Option("--files", help="Also that the pictures are there, and the boxes inside them.")
    ] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Also that no picture stands in two splits: reads all crops, or files.")
    ] = False,
) -> None:
    """Look a manifest through for whatever can go wrong.

    Exit status: 0 if all is well, 1 with a line for each kind of fault, 2 if it is no manifest.
    """
    with needs_extra(), refusals():
        import pyarrow.parquet as pq

        from mien.learn.data.manifest.check import check_manifest
        from mien.learn.data.manifest.manifest import read_metadata

        rows = pq.read_metadata(read_metadata(path)[0]).num_rows
        with progress("reading", rows, hidden=not (files or pictures)) as advance:
            found = list(check_manifest(path, files=files, pictures=pictures, advance=advance))
    if found:
        fail("\n".join(found), 1)
    print(f"{path}: {rows} rows, no fault found")


@data.command()
def stats(
    path: Manifest,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw it: .png, .svg or .pdf.")] = None,
) -> None:
    """Rows of each split, rows of each label, rows that are labelled for two tasks, people and videos."""
    with needs_extra(), refusals():
        from mien.learn.data.manifest.statistics import count

        found = count(path)
        print(found.summary(path).splitlines()[0])
        for name, number in (("subjects", found.subjects), ("videos", found.videos)):
            if number is not None:
                print(f"{number} {name}")
        for step, number in found.excluded.items():
            print(f"{number} more rows are excluded by {step}")
        _print_counts(found)
        if plot is not None:
            from mien.learn.data.manifest.statistics_plot import save_statistics

            save_statistics(found, f"{path}: {found.rows:,} {found.what}", plot)


@data.command()
def merge(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH... OUT", help="Two manifests or more, and the folder to make.")
    ],
) -> None:
    """One manifest and one pack of several; subjects are called dataset:name from then on."""
    with needs_extra(), refusals():
        from mien.learn.data.manifest.merge import merge

        if len(paths) < 3:
            raise ValueError("mien data merge needs two manifests or more, and a folder")
        with progress("copying", None) as advance:
            rows = merge(paths[:-1], paths[-1], advance)
        print(f"{rows} rows in {paths[-1]}")


@data.command()
def split(
    path: Manifest,
    valid: Annotated[float, typer.Option(min=0, max=1, help="Share of the rows.")] = 0.2,
    test: Annotated[float, typer.Option(min=0, max=1, help="Share of the rows.")] = 0.0,
    by: Annotated[str, typer.Option(metavar="COLUMN", help="Rows with the same value stay together.")] = "subject",
    only_split: Annotated[
        str | None, typer.Option(metavar="SPLIT", help="Divide the rows of this split; the others stay.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="Classes to spread evenly; by default the first task of classes.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Divide the rows into train, valid and test, nobody in two of them.

    `mien data clean PATH --undo split` takes it back.
    """
    with needs_extra(), refusals():
        chosen = {"by": by, "valid": valid, "test": test, "only": only_split, "seed": seed}
        _add(path, [("split", {**chosen, "task": task or _classes(path)})])


@data.command()
def sample(
    path: Manifest,
    every: Annotated[int | None, typer.Option(min=2, metavar="N", help="One frame in N of each video.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, metavar="N", help="N random rows.")] = None,
    per_class: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="N random rows of each class at most.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="The classes; by default the first task of classes.")] = None,
    only_split: Annotated[
        str | None, typer.Option(metavar="SPLIT", help="Sample the rows of this split; the others stay.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Leave rows out of training, so that a part remains.

    `mien data clean PATH --undo every` (or rows, or per_class) takes it back.
    """
    with needs_extra(), refusals():
        steps: list[tuple[str, dict[str, Any]]] = []
        if every is not None:
            steps.append(("every", {"frames": every}))
        if rows is not None:
            steps.append(("rows", {"count": rows, "seed": seed, "split": only_split}))
        if per_class is not None:
            chosen = {"task": task or _classes(path), "count": per_class, "seed": seed, "split": only_split}
            steps.append(("per_class", chosen))
        if not steps:
            raise ValueError("mien data sample needs --every, --rows or --per-class")
        _add(path, steps)


@data.command()
def clean(
    path: Manifest,
    rule: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="affect_consistency or every_fifth_frame; repeat the option."),
    ] = None,
    undo: Annotated[
        list[str] | None, typer.Option(metavar="STEP", help="Take a rule, a sample or a split back; repeat the option.")
    ] = None,
) -> None:
    """Leave rows out of training by named rules, or take such steps back; no row is deleted.

    Without an option the steps that were done are listed.
    """
    with needs_extra(), refusals():
        from mien.learn.data.manifest.manifest import read_metadata
        from mien.learn.data.steps.history import RULES, read_steps, undo_steps
        from mien.spelling import did_you_mean

        for name in rule or ():
            if name not in RULES:
                raise ValueError(f"no rule {name}{did_you_mean(name, RULES)}")
        if undo:
            _tell(undo_steps(path, undo))
        if rule:
            _add(path, [(name, {}) for name in rule])
        if not undo and not rule:
            _tell(read_steps(read_metadata(path)[2]))


def _add(path: Path, steps: Sequence[tuple[str, dict[str, Any]]]) -> None:
    from mien.learn.data.steps.history import Step, add_steps

    _tell(add_steps(path, [Step(name, parameters) for name, parameters in steps]))


def _tell(steps: Sequence[Step]) -> None:
    """All steps of a manifest, and what each did."""
    for step in steps:
        given = ", ".join(f"{key} {value}" for key, value in step.parameters.items() if value is not None)
        did = ", ".join(f"{count} {name}" for name, count in step.reasons.items()) if step.name == "split" else ""
        print(f"{step.name}{f' ({given})' if given else ''}: {did or f'{step.rows} rows are left out'}")
        for reason, count in step.reasons.items() if step.name != "split" and len(step.reasons) > 1 else ():
            print(f"  {count} {reason}")
    if not steps:
        print("no step was done")


def _classes(path: Path) -> str | None:
    """The first task of classes of a manifest."""
    from mien.learn.data.manifest.manifest import read_metadata
    from mien.tasks import Kind

    return next((task.name for task in read_metadata(path)[1] if task.kind is Kind.CLASSES), None)


def _print_counts(found: Statistics) -> None:
    """Tables: labels; tasks by tasks; classes by attributes."""
    from mien.tasks import Kind

    labels = []
    for task in found.tasks:
        often = sorted(task.labels, key=lambda label: -found.positive[label])[:MOST]
        for label in task.labels if len(task) <= MOST else often:
            known = found.known[task.name] if task.kind is Kind.CLASSES else found.known[label]
            there = "" if task.kind is Kind.CONTINUOUS else str(found.positive[label])
            if known:
                labels.append((task.name, label, str(known), there))
    print_table(("task", "label", "known", "there"), labels)
    names = [task.name for task in found.tasks]
    cells = [[str(count) for count in row] for row in found.labelled]
    print_table(("rows labelled for both", *names), [(name, *row) for name, row in zip(names, cells, strict=True)])
    for (one, two), counts in found.pairs.items():
        if counts[..., 0].any() and len(counts) <= MOST:
            space = {task.name: task.labels for task in found.tasks}
            rows = [
                (label, *(f"{there}/{known}" for known, there in column))
                for label, column in zip(space[two], counts.transpose(1, 0, 2).tolist(), strict=True)
                if any(known for known, _ in column)
            ]
            print_table((f"{two}, there/known, by {one}", *space[one]), rows)
