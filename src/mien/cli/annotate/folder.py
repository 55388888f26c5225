"""``mien annotate`` for several videos: a folder with one table each, their index, and one table of all pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from mien.annotate.inputs import Source
from mien.annotate.pipeline import Annotator
from mien.annotate.shared_options import SharedOptions
from mien.cli.annotate.pictures import annotate_pictures
from mien.cli.annotate.video import frame_progress
from mien.cli.terminal import complain, fail, refusals
from mien.overlay.picture import Overlays
from mien.table.writer import TableWriteError
from mien.video.index import INDEX, PICTURES, Entry, entry_after, read_index, table_names, write_index
from mien.video.jobs import PlannedVideo, annotate_videos
from mien.video.postprocess import PostprocessOptions, Postprocessor

FORMATS = ("parquet", "csv", "jsonl")


def annotate_folder(
    annotator: Annotator,
    sources: Sequence[Source],
    folder: Path,
    overlay: Path | None,
    table: str | None,
    shared: SharedOptions,
    workers: int,
    quiet: bool,
) -> int:
    """Annotate videos, and any pictures among the inputs, into a folder; returns the exit status, or exits with it."""
    table = table or ("csv" if shared.layout else "parquet")
    _check(folder, overlay, table, shared)
    videos = [source for source in sources if source.video]
    pictures = [source for source in sources if not source.video]
    with refusals():
        options = PostprocessOptions(shared.smooth, shared.constant, shared.layout)
        Postprocessor(options, annotator.video_schema, annotator.tasks)  # refuses what no video can have
        known = _opened(folder, shared)
        jobs = _jobs(videos, folder, table, overlay, known)
        overlays = _overlays(overlay, jobs, pictures, shared) if overlay else None
    index = known | {job.name: known.get(job.name, Entry(job.name, job.out.name)) for job in jobs}
    status = _annotate_videos(jobs, annotator, shared, workers, index, folder / INDEX, quiet)
    if status != 130 and pictures:
        place = str(folder / f"{PICTURES}.{table}")  # annotated again if it exists: pictures are quick
        read = shared.for_pictures()
        status = max(status, annotate_pictures(read, pictures, place, overlay=overlays, overwrite=True, quiet=quiet))
    return status


def _check(folder: Path, overlay: Path | None, table: str, shared: SharedOptions) -> None:
    """Refuse a file where several videos need a folder, and unknown formats."""
    if folder.suffix.lower() in {f".{name}" for name in FORMATS} or str(folder) == "-":
        fail(f"{folder}: each video gets a table of its own, and pictures one; --out must be a folder", 2)
    if table not in FORMATS:
        fail(f"--format {table}: no such format; known: {', '.join(FORMATS)}", 2)
    if shared.layout and table != "csv":
        fail(f"--format {table}: the layout {shared.layout} is always CSV", 2)
    if overlay and overlay.suffix:
        fail(f"{overlay}: the overlays of several videos need a folder", 2)


def _jobs(
    videos: Sequence[Source], folder: Path, table: str, overlay: Path | None, known: dict[str, Entry]
) -> list[PlannedVideo]:
    """One job per video, with the paths of its table and its overlay."""
    names = table_names([source.name for source in videos], table, {name: each.table for name, each in known.items()})
    return [
        PlannedVideo(
            source.name, str(source.item), folder / name, overlay / f"{PurePath(name).stem}.mp4" if overlay else None
        )
        for source, name in zip(videos, names, strict=True)
    ]


def _overlays(
    folder: Path, jobs: Sequence[PlannedVideo], pictures: Sequence[Source], shared: SharedOptions
) -> Overlays | None:
    """Make the folder for the overlays; returns the writer for those of pictures, if there are any.

    Raises:
        OSError: if that fails, or an overlay would replace an input or existing output; the message is one line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {_file(Path(job.source)) for job in jobs}
    for job in jobs:
        if job.overlay and (there := _file(job.overlay)) and there in inputs:
            raise TableWriteError(f"{job.overlay}: is an input; choose another folder for the overlays")
    names = [source.name for source in pictures]
    return Overlays(folder, names, overwrite=shared.overwrite or shared.resume) if pictures else None


def _file(path: Path) -> tuple[int, int] | None:
    """An identity that all names of a file share; None if there is no file."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _annotate_videos(
    jobs: Sequence[PlannedVideo],
    annotator: Annotator,
    shared: SharedOptions,
    workers: int,
    index: dict[str, Entry],
    path: Path,
    quiet: bool,
) -> int:
    """Run the jobs and update the index after each; returns the exit status."""
    failed, interrupted = 0, False
    try:
        write_index(path, index)
        with frame_progress(len(jobs), quiet) as tell:
            for job, outcome in annotate_videos(jobs, annotator, shared, workers, tell):
                if outcome.error is not None:
                    complain(f"{job.name}: {outcome.error}")
                failed += outcome.status in ("failed", "damaged")
                interrupted |= outcome.status == "interrupted"
                index[job.name] = entry_after(job, outcome, index[job.name])
                write_index(path, index)
    except KeyboardInterrupt:
        interrupted = True
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror or error}", 1)
    done = f"{sum(index[job.name].status == 'done' for job in jobs)} of {len(jobs)} videos are done: {path}"
    if interrupted:
        complain(f"interrupted; {done} (use --resume to continue)")
        return 130
    if not quiet:
        print(done)
    return 1 if failed else 0


def _opened(folder: Path, shared: SharedOptions) -> dict[str, Entry]:
    """Make the folder; returns the rows of its index if this run resumes it.

    Raises:
        OSError: if that fails, or the folder holds something that must not be replaced; the message is one line.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = any(folder.iterdir())
        (folder / INDEX).open("a").close()
        if not held:
            (folder / INDEX).unlink()
    except OSError as error:
        raise OSError(f"{folder}: cannot be written: {error.strerror}") from None
    if held and not shared.resume and not shared.overwrite:
        raise OSError(f"{folder}: is not empty (use --resume to continue, --overwrite to start over)")
    return read_index(folder / INDEX) if shared.resume and (folder / INDEX).exists() else {}
