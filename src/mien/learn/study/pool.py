"""Many runs: one after the other in this process, or side by side in several."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from mien.interrupts import handled_by, stop_requests
from mien.learn.study.run import Job, Say, perform
from mien.learn.study.store import Run
from mien.learn.train.objective import DivergedError
from mien.processes import cores, end_with_parent

LOOK = 0.2
"""Seconds between two looks whether the runs shall stop."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a job ended.

    Args:
        job: which.
        run: its figures; None if it failed.
        error: why it failed: one line, and below it a traceback if nobody foresaw the fault.
    """

    job: Job
    run: Run | None
    error: str | None = None


class Queue:
    """The jobs that are still to be begun, and what became of the others."""

    def __init__(self, todo: Sequence[Job], ended: Callable[[Outcome], None]) -> None:
        self.waiting, self.ended = list(todo), ended
        self.unfinished = {job.key for job in todo}
        self.failed: set[tuple[str, str]] = set()

    def next(self) -> Job | None:
        """A job whose teacher is there; those whose teacher failed are told and dropped."""
        for job in list(self.waiting):
            if job.needs is not None and job.needs in self.failed:
                self.waiting.remove(job)
                self.tell(job, None, f"its teacher {' '.join(job.needs)} failed")
            elif job.needs not in self.unfinished:
                self.waiting.remove(job)
                return job
        return None

    def tell(self, job: Job, run: Run | None, error: str | None) -> None:
        """Note how a job ended; one with neither figures nor error was stopped, and is left as it is."""
        if run is None and error is None:
            return
        self.unfinished.discard(job.key)
        if error is not None:
            self.failed.add(job.key)
            job.store.write_error(*job.key, error)
        self.ended(Outcome(job, run, error))


def run_all(todo: Sequence[Job], workers: int, ended: Callable[[Outcome], None], say: Say = lambda _: None) -> None:
    """Make all these runs; one that fails is told and the rest goes on, save those that it should have taught.

    Ctrl-C or SIGTERM ends the runs after their current step, saved; the second one ends them at once.

    Args:
        todo: jobs, teachers before their students.
        workers: processes; each computes with its share of the processor's cores. 1 is this process, with all.
        ended: told of each run that is finished or has failed.
        say: told how far the current run is, if there is one at a time.

    Raises:
        KeyboardInterrupt: if it was stopped before the end.
    """
    queue = Queue(todo, ended)
    with stop_requests() as asked:
        if workers == 1:
            while not asked.is_set() and (job := queue.next()):
                queue.tell(job, *attempt(job, asked.is_set, _named(job, say)))
        elif todo:
            _side_by_side(queue, min(workers, len(todo)), asked)
        if asked.is_set():
            raise KeyboardInterrupt


def attempt(job: Job, stopped: Callable[[], bool], say: Say = lambda _: None) -> tuple[Run | None, str | None]:
    """A run's figures, or why it failed, or neither if it was stopped."""
    try:
        return perform(job, stopped, say), None
    except KeyboardInterrupt:
        if stopped():
            return None, None
        raise
    except (ValueError, DivergedError, OSError) as error:
        return None, " ".join(str(error).split()) or type(error).__name__
    except Exception as error:  # one setting's fault, or a full accelerator, shall not cost the others their runs
        return None, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}\n{traceback.format_exc()}"


def _side_by_side(queue: Queue, workers: int, asked: threading.Event) -> None:
    context = multiprocessing.get_context("spawn")
    stop, threads = context.Event(), max(1, cores() // workers)
    processes: dict[Any, Any] = {}
    busy: dict[Any, Job] = {}

    def start() -> Any:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, stop, threads), daemon=True)
        with handled_by(signal.SIG_IGN):  # inherited: the first process says when to stop
            process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        processes[ours] = process
        return ours

    try:
        while True:
            while not asked.is_set() and len(busy) < workers and (job := queue.next()):
                pipe = next((pipe for pipe in processes if pipe not in busy), None) or start()
                busy[pipe] = job
                pipe.send(job)
            if not busy:
                return
            if asked.is_set():
                stop.set()
            ready: list[Any] = multiprocessing.connection.wait(list(busy), timeout=LOOK)
            for pipe in ready:
                ended = busy.pop(pipe)
                try:
                    run, error = pipe.recv()
                except (EOFError, ConnectionError):
                    process = processes.pop(pipe)
                    process.join()
                    run, error = None, f"its process ended with status {process.exitcode} (out of memory?)"
                queue.tell(ended, run, error)
    finally:
        for process in processes.values():
            process.kill()
            process.join()


def _work(pipe: Any, stop: Any, threads: int) -> None:
    """What a worker process does: jobs, one after the other, until it is killed."""
    end_with_parent()  # a killed study must not go on training where the next one resumes
    torch.set_num_threads(threads)
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(attempt(job, stop.is_set))


def _named(job: Job, say: Say) -> Say:
    return lambda text: say(f"{' '.join(job.key)} {text}")
