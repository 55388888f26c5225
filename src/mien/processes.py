"""Work in several processes: jobs that each run in their own process, and a map that keeps its results in order."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

from mien.interrupts import handled_by, stop_requests

Job = TypeVar("Job")
Result = TypeVar("Result")

PENDING_PER_WORKER = 2
"""Jobs per worker that :func:`map_in_order` reads ahead; the limit keeps memory from growing with their number."""

POLL_SECONDS = 0.2
"""Seconds between checks for a stop request while jobs run in other processes."""

EXPECTED_ERRORS = (OSError, ValueError)
"""Errors whose message is enough; any other error is a bug and is reported with its traceback."""

RUN, STOP = "run", "stop"
"""What the parent asks of a process: to run a job, and to stop it."""

ProgressCallback: TypeAlias = Callable[..., object]
"""Called with what a job reports."""

StopCheck: TypeAlias = Callable[[], bool]
"""Returns True once the job should stop."""

Work: TypeAlias = Callable[[Job, ProgressCallback, StopCheck], Result]
"""``work(job, progress, stop)``. If the job is stopped, it may return a result or raise KeyboardInterrupt."""


@dataclass(frozen=True, eq=False)
class Outcome(Generic[Job, Result]):
    """How a job ended. A job with neither a result nor an error was stopped.

    Args:
        job: the job.
        result: what the work returned.
        error: why it failed, in one line.
        traceback: the traceback of an error other than :data:`EXPECTED_ERRORS`.
        killed: whether its process ended without an answer, as happens when memory runs out.
    """

    job: Job
    result: Result | None = None
    error: str | None = None
    traceback: str | None = None
    killed: bool = False


def cores() -> int:
    """Number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_jobs(
    next_job: Callable[[], Job | None],
    work: Work[Job, Result],
    workers: int,
    progress: ProgressCallback = lambda *_: None,
    *,
    reuse: bool = False,
) -> Generator[Outcome[Job, Result], None, None]:
    """Run jobs and yield the outcome of each as it ends. A failed or killed job does not affect the others.

    After the first Ctrl-C, SIGTERM or SIGHUP, the running jobs are asked to stop and no others start; the second ends
    them immediately.

    Args:
        next_job: returns the next job that can start; None if there is none until another job has ended.
        work: runs a job. With several workers it must be picklable, and so must jobs, results and reports.
        workers: number of jobs that run at once, in spawned processes that end with this one. With 1, jobs run in this
            process.
        progress: called with the job and what it reports.
        reuse: whether a process runs one job after another, which saves its start; by default each job has its own, so
            that nothing a job leaves behind can reach the next.

    Raises:
        KeyboardInterrupt: after the last outcome, if a stop was requested; immediately at the second request.

    Example:
        >>> todo = [3, 4]
        >>> outcomes = run_jobs(lambda: todo.pop(0) if todo else None, lambda job, progress, stop: job**2, workers=1)
        >>> [(outcome.job, outcome.result) for outcome in outcomes]
        [(3, 9), (4, 16)]
    """
    with stop_requests() as stop:
        if workers == 1:
            while not stop.is_set() and (job := next_job()) is not None:
                yield _outcome(work, job, partial(progress, job), stop.is_set)
        else:
            yield from _run_in_processes(next_job, work, workers, progress, stop.is_set, reuse)
        if stop.is_set():
            raise KeyboardInterrupt


def map_in_order(work: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """Yield the result of each job, in the order of the jobs, from a pool of spawned processes.

    Args:
        work: a picklable function.
        jobs: an iterator that is read only a little ahead of the results.
        workers: number of processes; with 1, this process does the work.

    Raises:
        OSError: if a process was killed or ran out of memory.
    """
    if workers == 1:
        yield from map(work, jobs)
        return
    pending: deque[Future[Result]] = deque()
    context: Any = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start_pool_process)
    try:
        for job in jobs:
            pending.append(pool.submit(work, job))
            if len(pending) >= PENDING_PER_WORKER * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool:
        raise OSError("a worker process was killed (out of memory?); finished work is kept") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _run_in_processes(
    next_job: Callable[[], Job | None],
    work: Work[Job, Result],
    workers: int,
    progress: ProgressCallback,
    stop: StopCheck,
    reuse: bool,
) -> Iterator[Outcome[Job, Result]]:
    processes: dict[Any, Any] = {}
    idle: list[Any] = []
    running: dict[Any, Job] = {}
    stopping = False
    try:
        while True:
            while not stop() and len(running) < workers and (job := next_job()) is not None:
                pipe = idle.pop() if idle else _start(work, reuse, processes)
                running[pipe] = job
                pipe.send((RUN, job))
            if not running:
                return
            if stop() and not stopping:
                stopping = True
                for pipe in running:
                    with suppress(OSError):  # the job has just ended
                        pipe.send((STOP, None))
            ready: list[Any] = multiprocessing.connection.wait(list(running), timeout=POLL_SECONDS)
            for pipe in ready:
                message = _receive(pipe, processes[pipe])
                if not isinstance(message, Outcome):
                    progress(running[pipe], *message)
                    continue
                job = running.pop(pipe)
                if reuse and not message.killed:
                    idle.append(pipe)
                else:
                    pipe.close()
                    processes.pop(pipe).join()
                yield replace(message, job=job)
    finally:
        for process in processes.values():
            process.kill()
            process.join()


def _start(work: Work[Job, Result], reuse: bool, processes: dict[Any, Any]) -> Any:
    """Start a process, note it by this end of its pipe, and return this end."""
    context: Any = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work, reuse), daemon=True)
    with handled_by(signal.SIG_IGN):  # inherited by the process: only its parent handles Ctrl-C, and passes it on
        process.start()
    theirs.close()  # from now on, the pipe closes when the process ends
    processes[ours] = process
    return ours


def _receive(pipe: Any, process: Any) -> Any:
    """The next message from a process: a report or its outcome."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        process.join()
        status = "was killed" if process.exitcode < 0 else f"ended with status {process.exitcode}"
        return Outcome(None, error=f"its process {status} (out of memory?)", killed=True)


def _serve(pipe: Any, work: Work[Job, Result], reuse: bool) -> None:
    """Run one job that the parent sends, or with ``reuse`` all, until it ends."""
    stop, jobs = threading.Event(), SimpleQueue[Job]()
    threading.Thread(target=_hear_parent, args=(pipe, jobs, stop), daemon=True).start()
    while True:
        outcome: Outcome[Any, Result] = _outcome(work, jobs.get(), lambda *message: pipe.send(message), stop.is_set)
        pipe.send(replace(outcome, job=None))
        if not reuse:
            os._exit(0)  # threads of a library must not keep the process alive


def _hear_parent(pipe: Any, jobs: SimpleQueue[Any], stop: threading.Event) -> None:
    """Pass on jobs and the request to stop; exit when the parent ends."""
    with suppress(EOFError, OSError):
        while True:
            request, job = pipe.recv()
            if request == STOP:
                stop.set()
            else:
                jobs.put(job)
    os._exit(1)


def _outcome(work: Work[Job, Result], job: Job, progress: ProgressCallback, stop: StopCheck) -> Outcome[Job, Result]:
    try:
        return Outcome(job, work(job, progress, stop))
    except KeyboardInterrupt:
        if not stop():
            raise
        return Outcome(job)
    except EXPECTED_ERRORS as error:
        return Outcome(job, error=_one_line(error) or type(error).__name__)
    except Exception as error:  # a bug in one job, or a full accelerator, must not end the others
        reason = f"{type(error).__name__}: {_one_line(error)[:300]}"
        return Outcome(job, error=reason, traceback=traceback.format_exc())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _start_pool_process() -> None:
    """End with the parent, and silently on Ctrl-C: the parent reports it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
