"""Processes that work for another one: how many, how much waits for them, and their end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

AHEAD = 2
"""Jobs a worker that are read and wait; no more, so that memory does not grow with the number of jobs."""


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_parent() -> None:
    """Make this process end when the one that started it ends, even if that one is killed."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def work_through(work: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """What ``work`` returns for each job, in their order; the jobs are done by spawned processes.

    Args:
        work: a function that can be pickled.
        jobs: taken from their iterator only as far as they are needed.
        workers: number of processes; with one, this process does them itself.

    Raises:
        OSError: if a process was killed, or ran out of memory.
    """
    if workers == 1:
        yield from map(work, jobs)
        return
    waiting: deque[Future[Result]] = deque()
    context: Any = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_begin)
    try:
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise OSError("a working process was killed (out of memory?); what it had finished is kept") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Of a process: it ends with its parent, and on Ctrl-C without a word, for the parent says what is to be said."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()


def _wait_for_the_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
