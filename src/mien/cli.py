"""The command line: parses, calls, prints."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from mien import __version__
from mien.annotate.report_command import report
from mien.learn import commands
from mien.tasks import Kind, Task
from mien.terminal import ENDINGS, complain, fail, print_table, progress

if TYPE_CHECKING:
    from mien.annotate.draw import Overlays
    from mien.annotate.inputs import Source
    from mien.annotate.pipeline import Annotator
    from mien.annotate.schema import Row
    from mien.annotate.store import Store
    from mien.learn.data.annotated import AnnotatedSet

SHOWN = 20
"""So many faces are printed; all are in the output."""

app = typer.Typer(
    name="mien",
    help="Reads faces: expression, action units, valence and arousal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """What the command ``mien`` runs."""
    app()


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def _mien(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def annotate(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders, globs; - reads a list from stdin.")
    ],
    out: Annotated[
        str, typer.Option(help="The table: .parquet, .csv or .jsonl; - writes CSV to stdout.")
    ] = "annotations.parquet",
    overlay: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also draw each picture, into this folder.")
    ] = None,
    as_manifest: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write a manifest: faces, and what is predicted as labels.")
    ] = None,
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="A network from 'mien export'.")] = None,
    min_size: Annotated[int, typer.Option(min=1, metavar="PX", help="Leave out smaller faces (shorter side).")] = 16,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Faces the network reads at once.")] = 32,
    threads: Annotated[int, typer.Option(min=0, help="Threads of the networks; 0: as many as there are cores.")] = 0,
    compounds: Annotated[
        str | None,
        typer.Option(metavar="SET", help="Also tell compounds: raf_db, emotionet, du_2014 or a FILE.yaml of your own."),
    ] = None,
    compound_units: Annotated[
        str,
        typer.Option(metavar="WEIGHTS", help="Of their action units: fractions, equal, prototypical, union or mean."),
    ] = "fractions",
) -> None:
    """Read every face in pictures into a table.

    Exit status: 0 if all went well, 1 if an input failed, 2 if nothing could be begun, 130 after Ctrl-C.
    """
    from mien.annotate.draw import Overlays
    from mien.annotate.inputs import expand
    from mien.annotate.pipeline import Annotator
    from mien.annotate.store import Store, StoreError
    from mien.compound_sets import load

    sources = list(expand(inputs, distinct=True))
    if not sources:
        fail("nothing to read: the list of inputs is empty", 2)
    try:
        told = load(compounds, compound_units) if compounds else None
        annotator = Annotator(model, min_size=min_size, batch_size=batch_size, threads=threads, compounds=told)
        names = [source.name for source in sources]
        overlays = Overlays(overlay, names, overwrite=overwrite) if overlay else None
        labels = _annotated_set(as_manifest, annotator, overwrite) if as_manifest else None
    except (OSError, ValueError) as error:
        fail(str(error), 2)
    tally = _Tally()
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)  # as Ctrl-C: the table is completed
    try:
        with Store(out, annotator.schema, overwrite=overwrite) as store, labels or nullcontext():
            _run(annotator, sources, store, overlays, labels, tally, quiet)
    except StoreError as error:
        fail(str(error), 2)
    except KeyboardInterrupt:
        fail(f"interrupted; {tally.rows} rows are kept in {out}", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes at exit
        fail("standard output was closed", 1)
    except OSError as error:
        fail(f"cannot write: {error}", 1)
    if not quiet and store.errors_path:
        _print_summary(annotator.tasks, tally)
        print(f"{tally.rows} rows: {out}")
        if tally.failed:
            print(f"{tally.failed} of {len(sources)} inputs failed: {store.errors_path}")
        if overlay:
            print(f"overlays: {overlay}")
        if labels:
            print(f"{labels.faces} faces to train on: {as_manifest}")
    raise typer.Exit(1 if tally.failed or (labels and labels.left_out) else 0)


@app.command()
def tasks(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print every label: column, range and meaning.

    All tasks of the face label space. Compounds are no network's: `mien annotate --compounds` derives them.
    """
    from mien.tasks import ALL_TASKS

    if as_json:
        print(json.dumps([{**task.to_dict(), "range": task.range} for task in ALL_TASKS], indent=2))
        return
    rows = [
        [task.name, task.kind.value, label, f"[{task.range[0]:g}, {task.range[1]:g}]", meaning]
        for task in ALL_TASKS
        for label, meaning in zip(task.labels, task.meanings, strict=True)
    ]
    print_table(["task", "kind", "column", "range", "meaning"], rows)


app.command()(report)
commands.register(app)


@dataclass
class _Tally:
    """What a run counts, and the rows it shows at the end."""

    rows: int = 0
    failed: int = 0
    faces: int = 0
    shown: list[Row] = field(default_factory=list)


def _annotated_set(folder: Path, annotator: Annotator, overwrite: bool) -> AnnotatedSet:
    """The manifest of --as-manifest; imported here since only this option needs anything of ``learn``."""
    from mien.learn.data.annotated import AnnotatedSet

    return AnnotatedSet(folder, annotator.model, complain, overwrite=overwrite)


def _run(
    annotator: Annotator,
    sources: Sequence[Source],
    store: Store,
    overlays: Overlays | None,
    labels: AnnotatedSet | None,
    tally: _Tally,
    quiet: bool,
) -> None:
    """Annotate into the store, with a progress bar on stderr if that is a terminal and a line for each failure."""

    def note(name: str, reason: str) -> None:
        tally.failed += 1
        store.fail(name, reason)
        complain(f"{name}: {reason}")

    with progress("annotating", len(sources), hidden=quiet) as advance:
        for result in annotator.stream(sources):
            advance(1)
            if result.error is not None:
                note(result.name, result.error)
                continue
            store.write(result.rows)
            if labels:
                labels.write(result)
            tally.rows += len(result.rows)
            if overlays and result.picture:
                try:
                    overlays.save(result.picture, result.rows, annotator.model.tasks)
                except (OSError, ValueError) as error:
                    if getattr(error, "errno", None) == errno.ENOSPC:
                        raise
                    note(result.name, f"its overlay cannot be written: {error}")
            faces = [row for row in result.rows if row.get("face") is not None]
            tally.faces += len(faces)
            tally.shown += faces[: SHOWN - len(tally.shown)]


def _print_summary(tasks: Sequence[Task], tally: _Tally) -> None:
    """One line a face: the most probable class, the continuous values, the attributes that are present."""
    if not tally.faces:
        print("no face found" if tally.rows else "no input could be read")
        return
    real = [label for task in tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    classes = [task.name for task in tasks if task.kind is Kind.CLASSES]
    attributes = [task for task in tasks if task.kind is Kind.ATTRIBUTES]
    rows = [
        [
            PurePath(row["input"]).name,
            str(row["face"]),
            *(f"{row[name]} {row[row[name]]:.2f}" for name in classes),
            *(f"{row[label]:+.2f}" for label in real),
            *(" ".join(label for label in task.labels if row[label] >= 0.5) for task in attributes),
        ]
        for row in tally.shown
    ]
    names = [task.name.replace("_", " ") + " >= 0.5" for task in attributes]
    print_table(["file", "face", *classes, *real, *names], rows)
    if tally.faces > len(rows):
        print(f"... and {tally.faces - len(rows)} more")
