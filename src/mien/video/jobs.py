"""Annotates many videos, one after another or several at once; a failure does not affect the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mien.annotate.pipeline import Annotator
from mien.annotate.shared_options import SharedOptions
from mien.processes import Outcome, ProgressCallback, StopCheck, run_jobs
from mien.video.checks import refuse_stream
from mien.video.postprocess import PostprocessOptions
from mien.video.run import VideoResult, VideoRun, is_complete


@dataclass(frozen=True)
class PlannedVideo:
    """A video and where its table goes.

    Args:
        name: its name in messages.
        source: what :class:`mien.media.sampler.FrameSampler` opens.
        out: the table.
        overlay: the video to draw, if any.
    """

    name: str
    source: str
    out: Path
    overlay: Path | None = None


def annotate_video(
    video: PlannedVideo,
    progress: ProgressCallback,
    stop: StopCheck = lambda: False,
    *,
    annotator: Annotator,
    shared: SharedOptions,
) -> VideoResult:
    """Annotate one video.

    Args:
        video: the video.
        progress: called at the start with ``("expected", frames)`` and ``("resumed", frames)``, the number of all
            frames and of those from earlier runs; then with ``("frames", frames)`` and ``("drawn", frames)`` as frames
            are annotated and drawn into the overlay.
        stop: checked after each chunk of frames; once it returns True, the table is completed with the frames so far.
        annotator: the networks.
        shared: the options of the run.

    Raises:
        MediaError: if it cannot be opened.
        OSError: if its table cannot be written or belongs to another run; the message is one line.
    """
    options = PostprocessOptions(shared.smooth, shared.constant, shared.layout, video.overlay)
    refuse_stream(video.source, options, resume=shared.resume)
    if shared.resume and is_complete(annotator, video.source, video.out):
        return VideoResult("complete already")
    run = VideoRun(annotator, video.source, video.out, options, overwrite=shared.overwrite, resume=shared.resume)
    progress("expected", run.expected or 0)
    progress("resumed", run.resumed)
    return run(partial(progress, "frames"), partial(progress, "drawn"), stop)


def annotate_videos(
    videos: Sequence[PlannedVideo],
    annotator: Annotator,
    shared: SharedOptions,
    workers: int,
    progress: ProgressCallback = lambda *_: None,
) -> Iterator[tuple[PlannedVideo, VideoResult]]:
    """Annotate videos, and yield each with its result as it ends; see :func:`mien.processes.run_jobs` for Ctrl-C.

    Args:
        videos: the videos, in the order in which they start.
        annotator: the networks of this process, for a single worker.
        shared: the options of all videos.
        workers: number of videos at once. With more than one, each has a process of its own.
        progress: the same as for :func:`annotate_video`.

    Raises:
        KeyboardInterrupt: after the last result, if a stop was requested.
    """
    workers, waiting = min(workers, len(videos)), iter(videos)
    work = partial(annotate_video, annotator=annotator, shared=shared)
    if workers > 1:
        work = partial(_load_and_annotate, shared=shared, workers=workers)
    for outcome in run_jobs(lambda: next(waiting, None), work, workers, lambda _, *report: progress(*report)):
        yield outcome.job, _result(outcome)


def _load_and_annotate(
    video: PlannedVideo, progress: ProgressCallback, stop: StopCheck, *, shared: SharedOptions, workers: int
) -> VideoResult:
    return annotate_video(video, progress, stop, annotator=shared.annotator(workers), shared=shared)


def _result(outcome: Outcome[PlannedVideo, VideoResult]) -> VideoResult:
    if outcome.result is not None:
        return outcome.result
    if outcome.error is None:
        return VideoResult("interrupted")
    return VideoResult("failed", error=outcome.error + "; --resume continues" * outcome.killed)
