"""``mien annotate`` for one video: one table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.annotate.inputs import Source
from mien.annotate.pipeline import Annotator
from mien.annotate.settings import Settings
from mien.cli.terminal import complain, fail, progress
from mien.media.picture import MediaError
from mien.processes import ProgressCallback
from mien.video.checks import journal_path
from mien.video.jobs import PlannedVideo, annotate_video
from mien.video.run import VideoResult


def annotate_one(
    annotator: Annotator, source: Source, out: str, overlay: Path | None, settings: Settings, quiet: bool
) -> int:
    """Annotate a video into a table; returns the exit status, or ends with it."""
    if out == "-":
        fail("the table of a video needs a file: it is written when the video has ended", 2)
    if overlay and overlay.suffix.lower() != ".mp4":
        fail(f"{overlay}: the overlay of a video must end in .mp4", 2)
    video = PlannedVideo(source.name, str(source.item), Path(out), overlay)
    try:
        with films(1, quiet) as tell:
            result = annotate_video(video, tell, annotator=annotator, settings=settings)
    except MediaError as error:
        fail(f"{video.name}: {error}", 1)
    except (OSError, ValueError) as error:
        fail(str(error), 2)
    except KeyboardInterrupt:
        fail("interrupted; nothing was done", 130)
    return report(video, result, quiet)


def report(video: PlannedVideo, result: VideoResult, quiet: bool) -> int:
    """Say what became of a video, in lines; returns the exit status."""
    if result.error is not None:
        complain(f"{video.name}: {result.error}")
    if result.status == "complete already":
        if not quiet:
            print(f"{video.out}: is complete already")
        return 0
    if result.status == "interrupted":
        kept = f"{result.rows} rows of {result.frames} frames are kept in {video.out}"
        kept = kept if result.rows else "nothing was done"
        complain(f"{video.name}: interrupted; {kept}" + "; --resume goes on" * journal_path(video.out).exists())
        return 130
    if not quiet:
        print(f"{video.name}: {result.frames} frames, {result.faces} faces, {result.speed:.0f} frames/s")
        if result.rows:
            print(f"{result.rows} rows: {video.out}")
        if video.overlay and video.overlay.exists():
            print(f"overlay: {video.overlay}")
    return 0 if result.status == "done" else 1


@contextmanager
def films(count: int, quiet: bool) -> Iterator[ProgressCallback]:
    """A bar for the frames of so many videos, with frames a second; what it yields is told as they are looked at.

    How many frames there are is known of the videos that were begun; the others are taken to have as many each.
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
