"""``mien annotate`` for several videos: a folder with a table each, an index of them, and one table of all pictures."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath

from mien.annotate.inputs import Source
from mien.annotate.pipeline import Annotator
from mien.annotate.settings import Settings
from mien.cli.annotate.pictures import annotate_pictures
from mien.cli.annotate.video import films
from mien.cli.terminal import complain, fail
from mien.overlay.picture import Overlays
from mien.table.writer import TableWriteError
from mien.video.jobs import PlannedVideo, annotate_videos
from mien.video.postprocess import PostprocessOptions, Postprocessor
from mien.video.run import VideoResult

INDEX, PICTURES = "index.csv", "pictures"
FORMATS = ("parquet", "csv", "jsonl")


@dataclass(frozen=True)
class Entry:
    """A row of the index.

    Args:
        input: the video.
        table: the name of its table, in the folder of the index.
        frames, faces, seconds, status, error: of the :class:`mien.video.run.VideoResult`; ``waiting`` before it.
    """

    input: str
    table: str
    frames: int | None = None
    faces: int | None = None
    seconds: float | None = None
    status: str = "waiting"
    error: str | None = None


def annotate_folder(
    annotator: Annotator,
    sources: Sequence[Source],
    out: str,
    overlay: Path | None,
    table: str | None,
    settings: Settings,
    workers: int,
    quiet: bool,
) -> int:
    """Annotate videos into a folder, and the pictures among the inputs; returns the exit status, or ends with it."""
    folder = Path(out)
    table = table or ("csv" if settings.layout else "parquet")
    if folder.suffix.lower() in {f".{name}" for name in FORMATS} or out == "-":
        fail(f"{out}: of several videos there is a table each; give a folder", 2)
    if table not in FORMATS:
        fail(f"--format is one of {', '.join(FORMATS)}, not {table}", 2)
    if settings.layout and table != "csv":
        fail(f"the layout {settings.layout} is a CSV file, not {table}", 2)
    if overlay and overlay.suffix:
        fail(f"{overlay}: the overlays of several videos need a folder", 2)
    videos = [source for source in sources if source.video]
    pictures = [source for source in sources if not source.video]
    try:
        ending = PostprocessOptions(settings.smooth, settings.constant, settings.layout)
        Postprocessor(ending, annotator.video_schema, annotator.tasks)  # refuses what no video can have
        known = _opened(folder, settings)
        jobs = _jobs(videos, folder, table, overlay, known)
        overlays = _overlays(overlay, jobs, pictures, settings) if overlay else None
    except (OSError, ValueError) as error:
        fail(str(error), 2)
    index = known | {job.name: known.get(job.name, Entry(job.name, job.out.name)) for job in jobs}
    status = _annotate_videos(jobs, annotator, settings, workers, index, folder / INDEX, quiet)
    if status != 130 and pictures:
        place = str(folder / f"{PICTURES}.{table}")  # anew if it is there: pictures are quick
        read = settings.for_pictures()
        status = max(status, annotate_pictures(read, pictures, place, overlay=overlays, overwrite=True, quiet=quiet))
    return status


def _jobs(
    videos: Sequence[Source], folder: Path, table: str, overlay: Path | None, known: dict[str, Entry]
) -> list[PlannedVideo]:
    """One a video, with the names that its table and its overlay have."""
    names = _names([source.name for source in videos], table, {name: entry.table for name, entry in known.items()})
    return [
        PlannedVideo(
            source.name, str(source.item), folder / name, overlay / f"{PurePath(name).stem}.mp4" if overlay else None
        )
        for source, name in zip(videos, names, strict=True)
    ]


def _overlays(
    folder: Path, jobs: Sequence[PlannedVideo], pictures: Sequence[Source], settings: Settings
) -> Overlays | None:
    """Make the folder of the overlays; returns what draws those of the pictures, if there are any.

    Raises:
        OSError: if it cannot be, or an overlay would replace an input or what must stay; the message is one line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {_file(Path(job.source)) for job in jobs}
    for job in jobs:
        if job.overlay and (there := _file(job.overlay)) and there in inputs:
            raise TableWriteError(f"{job.overlay}: is to be read; choose another folder for the overlays")
    names = [source.name for source in pictures]
    return Overlays(folder, names, overwrite=settings.overwrite or settings.resume) if pictures else None


def _file(path: Path) -> tuple[int, int] | None:
    """By what a file is the same, whatever name it goes by; None if there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _annotate_videos(
    jobs: Sequence[PlannedVideo],
    annotator: Annotator,
    settings: Settings,
    workers: int,
    index: dict[str, Entry],
    path: Path,
    quiet: bool,
) -> int:
    """Work the jobs off and keep the index true after each; returns the exit status."""
    failed, interrupted = 0, False
    try:
        _write(path, index)
        with films(len(jobs), quiet) as tell:
            for job, outcome in annotate_videos(jobs, annotator, settings, workers, tell):
                if outcome.error is not None:
                    complain(f"{job.name}: {outcome.error}")
                failed += outcome.status in ("failed", "damaged")
                interrupted |= outcome.status == "interrupted"
                index[job.name] = _entry(job, outcome, index[job.name])
                _write(path, index)
    except KeyboardInterrupt:
        interrupted = True
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror or error}", 1)
    done = sum(index[job.name].status == "done" for job in jobs)
    if interrupted:
        complain(f"interrupted; {done} of {len(jobs)} videos are done: {path}; --resume goes on")
        return 130
    if not quiet:
        print(f"{done} of {len(jobs)} videos are done: {path}")
    return 1 if failed else 0


def _opened(folder: Path, settings: Settings) -> dict[str, Entry]:
    """Make the folder; returns what its index says of videos, if this run shall go on with it.

    Raises:
        OSError: if it cannot be, or holds something that must not be replaced; the message is one line.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = any(folder.iterdir())
        (folder / INDEX).open("a").close()
        if not held:
            (folder / INDEX).unlink()
    except OSError as error:
        raise OSError(f"{folder}: cannot be written: {error.strerror}") from None
    if held and not settings.resume and not settings.overwrite:
        raise OSError(f"{folder}: is not empty (--resume goes on with it, --overwrite begins anew)")
    return _read(folder / INDEX) if settings.resume and (folder / INDEX).exists() else {}


def _names(inputs: Sequence[str], table: str, known: dict[str, str]) -> list[str]:
    """The name of each video's table: its stem; where several have one stem, ``-2``, ``-3`` ... behind it."""
    used = {PICTURES, PurePath(INDEX).stem, *(PurePath(name).stem.lower() for name in known.values())}
    names = []
    for given in inputs:
        if given in known:
            names.append(known[given])
            continue
        stem = name = PurePath(given).stem[:60]
        number = 1
        while name.lower() in used:  # file systems may take A and a for the same
            number += 1
            name = f"{stem}-{number}"
        used.add(name.lower())
        names.append(f"{name}.{table}")
    return names


def _entry(job: PlannedVideo, outcome: VideoResult, before: Entry) -> Entry:
    """The row of a video after a run; one that was done stays so if this run was refused or had nothing to do."""
    nothing = Entry(job.name, job.out.name, status=outcome.status, error=outcome.error)
    if outcome.status == "complete already":
        return before if before.frames is not None else replace(nothing, status="done")
    if not outcome.rows:
        return before if before.status == "done" else nothing
    seconds = round(outcome.seconds, 3)
    return replace(nothing, frames=outcome.frames, faces=outcome.faces, seconds=seconds)


def _write(path: Path, index: dict[str, Entry]) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(Entry.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in index.values())
    new.replace(path)


def _read(path: Path) -> dict[str, Entry]:
    """The rows of an index.

    Raises:
        TableWriteError: if it cannot be read, as after a spreadsheet saved it; the message is one line.
    """
    with path.open(encoding="utf-8", newline="") as file:
        try:
            rows = csv.DictReader(file)
            return {row["input"]: _parsed(row) for row in rows if row.get("input") and row.get("table")}
        except (csv.Error, ValueError) as error:
            raise TableWriteError(f"{path}: cannot be read ({error}); --overwrite begins anew") from None


def _parsed(row: dict[str, str]) -> Entry:
    frames, faces = (int(row[name]) if row.get(name) else None for name in ("frames", "faces"))
    seconds = float(row["seconds"]) if row.get("seconds") else None
    return Entry(
        row["input"], row["table"], frames, faces, seconds, row.get("status") or "waiting", row.get("error") or None
    )
