"""``mien annotate`` for one video: one table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.annotate.inputs import Source
from mien.annotate.pipeline import Annotator
from mien.annotate.shared_options import SharedOptions
from mien.cli.terminal import complain, fail, progress
from mien.media.picture import MediaError
from mien.processes import ProgressCallback
from mien.video.checks import journal_path
from mien.video.jobs import PlannedVideo, annotate_video
from mien.video.run import VideoResult


def annotate_one(
    annotator: Annotator, source: Source, out: str, overlay: Path | None, shared: SharedOptions, quiet: bool
) -> int:
    """Annotate a video into a table; returns the exit status, or exits with it."""
    if out == "-":
        fail("the table of a video needs a file: it is written when the video ends", 2)
    if overlay and overlay.suffix.lower() != ".mp4":
        fail(f"{overlay}: the overlay of a video must end in .mp4", 2)
    job = PlannedVideo(source.name, str(source.item), Path(out), overlay)
    try:
        with frame_progress(1, quiet) as tell:
            outcome = annotate_video(job, tell, annotator=annotator, shared=shared)
    except MediaError as error:
        fail(f"{job.name}: {error}", 1)
    except (OSError, ValueError) as error:
        fail(str(error), 2)
    except KeyboardInterrupt:
        fail("interrupted; nothing was written", 130)
    return _report(job, outcome, quiet)


def _report(job: PlannedVideo, outcome: VideoResult, quiet: bool) -> int:
    """Print how the annotation of a video ended; returns the exit status."""
    if outcome.error is not None:
        complain(f"{job.name}: {outcome.error}")
    if outcome.status == "complete already":
        if not quiet:
            print(f"{job.out}: already complete")
        return 0
    if outcome.status == "interrupted":
        kept = f"{outcome.rows} rows of {outcome.frames} frames are kept in {job.out}"
        kept = kept if outcome.rows else "nothing was written"
        hint = " (use --resume to continue)" if journal_path(job.out).exists() else ""
        complain(f"{job.name}: interrupted; {kept}{hint}")
        return 130
    if not quiet:
        print(f"{job.name}: {outcome.frames} frames, {outcome.faces} faces, {outcome.speed:.0f} frames/s")
        if outcome.rows:
            print(f"{outcome.rows} rows: {job.out}")
        if job.overlay and job.overlay.exists():
            print(f"overlay: {job.overlay}")
    return 0 if outcome.status == "done" else 1


@contextmanager
def frame_progress(count: int, quiet: bool) -> Iterator[ProgressCallback]:
    """A progress bar over the frames of this many videos, with frames per second; yields its callback.

    The number of frames is known for videos that have started; the others are assumed to have as many on average.
    """
    expected: list[int] = []
    clock = time.monotonic()
    done = 0

    with progress("annotating", None, hidden=quiet) as advance:

        def tell(what: str, frames: int) -> None:
            nonlocal done
            if what == "expected":
                expected.append(frames)
                total = sum(expected) * count // len(expected) if all(expected) else None
                advance(0, total=total)
            elif what == "resumed":
                advance(frames)
            elif what == "drawn":
                advance(0, "drawing the overlay")
            else:
                done += frames
                advance(frames, f"{done / max(time.monotonic() - clock, 0.1):.0f} frames/s")

        yield tell
