"""``mien annotate`` for pictures: one table of all of them."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from mien.annotate.inputs import Source
from mien.annotate.pipeline import Annotator
from mien.annotate.schema import Row
from mien.cli.terminal import complain, fail, print_table, progress
from mien.overlay.picture import Overlays
from mien.table.writer import TableWriteError, TableWriter
from mien.tasks import Kind, Task

if TYPE_CHECKING:
    from mien.learn.data.importing.annotations import AnnotatedSet

SHOWN = 20
"""So many faces are printed; all are in the output."""


@dataclass
class Tally:
    """What a run counts, and the rows it shows at the end."""

    rows: int = 0
    failed: int = 0
    faces: int = 0
    shown: list[Row] = field(default_factory=list)


def annotate_pictures(
    annotator: Annotator,
    sources: Sequence[Source],
    out: str,
    *,
    overlay: Path | Overlays | None = None,
    as_manifest: Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> int:
    """Annotate pictures into a table, with a line for each failure; returns the exit status, or ends with it."""
    try:
        names = [source.name for source in sources]
        overlays = Overlays(overlay, names, overwrite=overwrite) if isinstance(overlay, Path) else overlay
        labels = _annotated_set(as_manifest, annotator, overwrite) if as_manifest else None
    except (OSError, ValueError) as error:
        fail(str(error), 2)
    tally = Tally()
    try:
        with TableWriter(out, annotator.schema, overwrite=overwrite) as store, labels or nullcontext():
            _run(annotator, sources, store, overlays, labels, tally, quiet)
    except TableWriteError as error:
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
        if overlays:
            print(f"overlays: {overlays.folder}")
        if labels:
            print(f"{labels.faces} faces to train on: {as_manifest}")
    return 1 if tally.failed or (labels and labels.left_out) else 0


def _annotated_set(folder: Path, annotator: Annotator, overwrite: bool) -> AnnotatedSet:
    """The manifest of --as-manifest; imported here since only this option needs anything of ``learn``."""
    from mien.learn.data.importing.annotations import AnnotatedSet

    return AnnotatedSet(folder, annotator.model, complain, overwrite=overwrite)


def _run(
    annotator: Annotator,
    sources: Sequence[Source],
    store: TableWriter,
    overlays: Overlays | None,
    labels: AnnotatedSet | None,
    tally: Tally,
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


def _print_summary(tasks: Sequence[Task], tally: Tally) -> None:
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
