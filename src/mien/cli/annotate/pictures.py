"""``mien annotate`` for pictures: one table for all of them."""

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
from mien.annotate.result import Result
from mien.annotate.schema import Row
from mien.cli.terminal import complain, fail, print_table, progress, refusals
from mien.overlay.picture import Overlays
from mien.table.writer import TableWriteError, TableWriter
from mien.tasks import Kind, Task

if TYPE_CHECKING:
    from mien.learn.data.importing.annotations import AnnotatedSet

SHOWN = 20
"""Number of faces that are printed; the table has all of them."""


@dataclass
class Tally:
    """The counts of a run, and the rows that it prints at the end."""

    rows: int = 0
    failed: int = 0
    faces: int = 0
    shown: list[Row] = field(default_factory=list)

    def add(self, rows: Sequence[Row]) -> None:
        """Count the rows of a picture."""
        faces = [row for row in rows if row.get("face") is not None]
        self.rows += len(rows)
        self.faces += len(faces)
        self.shown += faces[: SHOWN - len(self.shown)]


@dataclass(frozen=True)
class Outputs:
    """Where the results of pictures go: a table, and optionally overlays and a manifest."""

    table: TableWriter
    overlays: Overlays | None
    labels: AnnotatedSet | None


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
    """Annotate pictures into a table, with one line per failure; returns the exit status, or exits with it."""
    with refusals():
        names = [source.name for source in sources]
        overlays = Overlays(overlay, names, overwrite=overwrite) if isinstance(overlay, Path) else overlay
        labels = _annotated_set(as_manifest, annotator, overwrite) if as_manifest else None
    tally = Tally()
    try:
        with TableWriter(out, annotator.schema, overwrite=overwrite) as table, labels or nullcontext():
            outputs = Outputs(table, overlays, labels)
            _annotate(annotator, sources, outputs, tally, quiet)
    except TableWriteError as error:
        fail(str(error), 2)
    except KeyboardInterrupt:
        fail(f"interrupted; {tally.rows} rows are kept in {out}", 130)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # otherwise Python complains when it flushes at exit
        fail("standard output was closed", 1)
    except OSError as error:
        fail(f"cannot write: {error}", 1)
    if not quiet and table.errors_path:
        _report(annotator.tasks, tally, outputs, len(sources))
    return 1 if tally.failed or (labels and labels.skipped) else 0


def _annotated_set(folder: Path, annotator: Annotator, overwrite: bool) -> AnnotatedSet:
    """The manifest of --as-manifest; imported here because no other option needs ``learn``."""
    from mien.learn.data.importing.annotations import AnnotatedSet

    return AnnotatedSet(folder, annotator.model, complain, overwrite=overwrite)


def _annotate(annotator: Annotator, sources: Sequence[Source], outputs: Outputs, tally: Tally, quiet: bool) -> None:
    """Annotate into the outputs, with a progress bar and one line per failure."""

    def note(name: str, reason: str) -> None:
        tally.failed += 1
        outputs.table.fail(name, reason)
        complain(f"{name}: {reason}")

    with progress("annotating", len(sources), hidden=quiet) as advance:
        for result in annotator.stream(sources):
            advance(1)
            if result.error is not None:
                note(result.name, result.error)
                continue
            outputs.table.write(result.rows)
            if outputs.labels:
                outputs.labels.write(result)
            tally.add(result.rows)
            if outputs.overlays and (reason := _draw(outputs.overlays, result, annotator.model.tasks)):
                note(result.name, reason)


def _draw(overlays: Overlays, result: Result, tasks: Sequence[Task]) -> str | None:
    """Draw a picture; returns the reason if that fails, and raises only if the disk is full."""
    if result.picture is None:
        return None
    try:
        overlays.save(result.picture, result.rows, tasks)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        return f"its overlay cannot be written: {error}"
    return None


def _report(tasks: Sequence[Task], tally: Tally, outputs: Outputs, inputs: int) -> None:
    """Print the first faces, and where everything was written."""
    _print_faces(tasks, tally)
    print(f"{tally.rows} rows: {outputs.table.path}")
    if tally.failed:
        print(f"{tally.failed} of {inputs} inputs failed: {outputs.table.errors_path}")
    if outputs.overlays:
        print(f"overlays: {outputs.overlays.folder}")
    if outputs.labels:
        print(f"{outputs.labels.faces} faces to train on: {outputs.labels.folder}")


def _print_faces(tasks: Sequence[Task], tally: Tally) -> None:
    """Print one line per face: the most likely class, the continuous values, the attributes that are present."""
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
