"""The index of a folder of tables: one row per video, with the state of its annotation."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath

from mien.atomic import replacing
from mien.table.writer import TableWriteError
from mien.video.jobs import PlannedVideo
from mien.video.run import VideoResult

INDEX, PICTURES = "index.csv", "pictures"
"""Names in the folder: the index, and the table of all pictures without its suffix."""


@dataclass(frozen=True)
class Entry:
    """A row of the index.

    Args:
        input: the video.
        table: the name of its table, in the folder of the index.
        frames, faces, seconds, status, error: from its :class:`mien.video.run.VideoResult`; until there is one, the
            status is ``waiting``.
    """

    input: str
    table: str
    frames: int | None = None
    faces: int | None = None
    seconds: float | None = None
    status: str = "waiting"
    error: str | None = None


def table_names(inputs: Sequence[str], suffix: str, known: Mapping[str, str]) -> list[str]:
    """The name of each video's table: the video's stem; if several have the same, ``-2``, ``-3`` ... follow it.

    Args:
        inputs: the videos.
        suffix: suffix of the tables, without the dot.
        known: names of tables that an earlier run chose; they are kept.
    """
    used = {PICTURES, PurePath(INDEX).stem, *(PurePath(name).stem.lower() for name in known.values())}
    names = []
    for given in inputs:
        if given in known:
            names.append(known[given])
            continue
        stem = name = PurePath(given).stem[:60]
        number = 1
        while name.lower() in used:  # some file systems do not distinguish A from a
            number += 1
            name = f"{stem}-{number}"
        used.add(name.lower())
        names.append(f"{name}.{suffix}")
    return names


def entry_after(job: PlannedVideo, outcome: VideoResult, before: Entry) -> Entry:
    """The row of a video after a run; a finished video stays finished if this run was refused or had nothing to do."""
    nothing = Entry(job.name, job.out.name, status=outcome.status, error=outcome.error)
    if outcome.status == "complete already":
        return before if before.frames is not None else replace(nothing, status="done")
    if not outcome.rows:
        return before if before.status == "done" else nothing
    seconds = round(outcome.seconds, 3)
    return replace(nothing, frames=outcome.frames, faces=outcome.faces, seconds=seconds)


def write_index(path: Path, index: Mapping[str, Entry]) -> None:
    """Write all rows in one step: after a kill the file is the old one or the new one."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(Entry.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in index.values())


def read_index(path: Path) -> dict[str, Entry]:
    """The rows of an index by input.

    Raises:
        TableWriteError: if it cannot be read, for example after a spreadsheet saved it; the message is one line.
    """
    with path.open(encoding="utf-8", newline="") as file:
        try:
            rows = csv.DictReader(file)
            return {row["input"]: _parsed(row) for row in rows if row.get("input") and row.get("table")}
        except (csv.Error, ValueError) as error:
            raise TableWriteError(f"{path}: cannot be read ({error}); use --overwrite to start over") from None


def _parsed(row: Mapping[str, str]) -> Entry:
    frames, faces = (int(row[name]) if row.get(name) else None for name in ("frames", "faces"))
    seconds = float(row["seconds"]) if row.get("seconds") else None
    return Entry(
        row["input"], row["table"], frames, faces, seconds, row.get("status") or "waiting", row.get("error") or None
    )
