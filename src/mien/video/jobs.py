"""Many videos: one after the other in this process, or side by side in several; none stops the others."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mien.annotate.pipeline import Annotator
from mien.annotate.settings import Settings
from mien.interrupts import ENDINGS
from mien.media.picture import MediaError
from mien.processes import end_with_parent
from mien.video.postprocess import PostprocessOptions
from mien.video.run import Outcome, VideoRun, is_complete, refuse_of_stream

Tell = Callable[[str, int], object]
"""Told ``("expected", frames)`` and ``("begun", frames)``, those of earlier runs, when a video is begun; ``("frames",
frames)`` as they are looked at, and ``("drawn", frames)`` as the overlay is drawn."""


@dataclass(frozen=True)
class Job:
    """One video and where its table goes.

    Args:
        name: what is said of it.
        source: what is opened.
        out: its table.
        overlay: the video that is drawn, if any.
    """

    name: str
    source: str
    out: Path
    overlay: Path | None = None


def perform(annotator: Annotator, job: Job, settings: Settings, tell: Tell) -> Outcome:
    """Annotate one video.

    Raises:
        MediaError: if it cannot be opened.
        OSError: if its table cannot be written, or what is there is not this run's; the message is one line.
    """
    ending = PostprocessOptions(settings.smooth, settings.constant, settings.layout, job.overlay)
    refuse_of_stream(job.source, ending, resume=settings.resume)
    if settings.resume and is_complete(annotator, job.source, job.out):
        return Outcome("complete already")
    run = VideoRun(annotator, job.source, job.out, ending, overwrite=settings.overwrite, resume=settings.resume)
    tell("expected", run.expected or 0)
    tell("begun", run.begun)
    return run(lambda count: tell("frames", count), lambda count: tell("drawn", count))


def run_jobs(
    jobs: Sequence[Job], annotator: Annotator, settings: Settings, workers: int, tell: Tell
) -> Iterator[tuple[Job, Outcome]]:
    """Each job with what became of it, as they end; after Ctrl-C those that were begun, and no others.

    With several workers Ctrl-C is raised when these have ended.

    Args:
        jobs: in the order in which they are begun.
        annotator: of this process, for a single worker.
        settings: of all jobs.
        workers: how many are done at once; with more than one, each job has a process of its own, so that one that is
            killed takes no other with it.
        tell: told of progress.
    """
    if workers > 1 and len(jobs) > 1:
        yield from _Processes(settings, min(workers, len(jobs)), tell).run_jobs(jobs)
        return
    for job in jobs:
        outcome = _attempt(annotator, job, settings, tell)
        yield job, outcome
        if outcome.status == "interrupted":
            return


def _attempt(annotator: Annotator, job: Job, settings: Settings, tell: Tell) -> Outcome:
    """As :func:`perform`, but whatever is raised is an outcome."""
    try:
        return perform(annotator, job, settings, tell)
    except (MediaError, OSError, ValueError) as error:
        return Outcome("failed", error=str(error))
    except KeyboardInterrupt:
        return Outcome("interrupted")
    except Exception as error:  # nobody foresaw it; the others go on all the same
        return Outcome("failed", error=f"{type(error).__name__}: {' '.join(str(error).split())}")


class _Processes:
    """Processes that do one job each, some at a time."""

    def __init__(self, settings: Settings, workers: int, tell: Tell) -> None:
        self._settings, self._workers, self._tell = settings, workers, tell
        self._context: Any = multiprocessing.get_context("spawn")
        self._running: dict[Any, tuple[Job, Any]] = {}
        self._stop = False

    def run_jobs(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
        waiting = list(jobs)
        while self._running or (waiting and not self._stop):
            try:
                while waiting and not self._stop and len(self._running) < self._workers:
                    self._begin(waiting.pop(0))
                ended = self._listen()
            except KeyboardInterrupt:
                self._end_all()
                continue
            yield from ended
        if self._stop:  # all that were begun may have been done by then: nothing else tells of it
            raise KeyboardInterrupt

    def _begin(self, job: Job) -> None:
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work, args=(sender, job, self._settings, self._workers))
        process.start()
        sender.close()
        self._running[receiver] = job, process

    def _listen(self) -> list[tuple[Job, Outcome]]:
        """Wait for news; pass on what is told, and return those that ended."""
        ended = []
        ready: list[Any] = multiprocessing.connection.wait(list(self._running))
        for receiver in ready:
            job, process = self._running[receiver]
            try:
                news = receiver.recv()
            except EOFError:
                killed = Outcome("failed", error="its process was killed (out of memory?); --resume goes on")
                news = Outcome("interrupted") if self._stop else killed  # asked to end before it could hear that
            if isinstance(news, Outcome):
                del self._running[receiver]
                process.join()
                ended.append((job, news))
            else:
                self._tell(*news)
        return ended

    def _end_all(self) -> None:
        """Ask those that run to complete their tables."""
        self._stop = True
        for _, process in self._running.values():
            process.terminate()


def _work(sender: Connection, job: Job, settings: Settings, workers: int) -> None:
    """What a process does: it ends with its parent, which alone hears Ctrl-C and passes it on."""
    for ending in (signal.SIGINT, *ENDINGS):
        signal.signal(ending, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _once)
    end_with_parent()
    try:
        outcome = _attempt(settings.annotator(workers), job, settings, lambda what, count: sender.send((what, count)))
    except KeyboardInterrupt:
        outcome = Outcome("interrupted")
    sender.send(outcome)
    os._exit(0)  # no thread of a library may keep it


def _once(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
