"""Many runs of a study: one after another in this process, or several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import TypeAlias

import torch

from mien.learn.study.run import PlannedRun, perform
from mien.learn.study.store import FinishedRun
from mien.learn.train.objective import DivergedError
from mien.processes import Outcome, ProgressCallback, StopCheck, cores, run_jobs

RunOutcome: TypeAlias = Outcome[PlannedRun, FinishedRun]


class RunQueue:
    """The runs that have not started, and the outcomes of those that ended.

    Args:
        planned: the runs, teachers before their students.
        ended: called with the outcome of each run that is finished or has failed.
    """

    def __init__(self, planned: Sequence[PlannedRun], ended: Callable[[RunOutcome], object]) -> None:
        self._waiting, self._ended = list(planned), ended
        self._unfinished = {run.key for run in planned}
        self._failed: set[tuple[str, str]] = set()

    def next(self) -> PlannedRun | None:
        """Remove and return a run whose teacher is finished; runs whose teacher failed are recorded as failed."""
        for run in list(self._waiting):
            if run.needs is not None and run.needs in self._failed:
                self._waiting.remove(run)
                self.record(Outcome(run, error=f"its teacher {' '.join(run.needs)} failed"))
            elif run.needs not in self._unfinished:
                self._waiting.remove(run)
                return run
        return None

    def record(self, outcome: RunOutcome) -> None:
        """Record how a run ended; a stopped one stays unfinished."""
        run = outcome.job
        if outcome.result is None and outcome.error is None:
            return
        self._unfinished.discard(run.key)
        if outcome.error is not None:
            self._failed.add(run.key)
            run.store.write_error(*run.key, "\n".join(filter(None, (outcome.error, outcome.traceback))))
        self._ended(outcome)


def run_all(
    planned: Sequence[PlannedRun],
    workers: int,
    ended: Callable[[RunOutcome], object],
    progress: Callable[[str], object] = lambda _: None,
) -> None:
    """Train all runs. A failure is recorded; only the runs that need the failed one as teacher fail with it.

    The first Ctrl-C, SIGTERM or SIGHUP saves each run after its current step; the second ends them at once.

    Args:
        planned: the runs, teachers before their students.
        workers: number of runs at once. With more than one, each process has its share of the cores.
        ended: called with the outcome of each run that is finished or has failed.
        progress: called with the name of a run and its number of steps.

    Raises:
        KeyboardInterrupt: if stopped before the end.
    """
    workers = max(1, min(workers, len(planned)))
    queue = RunQueue(planned, ended)
    work = _perform if workers == 1 else partial(_perform_in_threads, threads=max(1, cores() // workers))
    with closing(
        run_jobs(queue.next, work, workers, lambda run, text: progress(f"{' '.join(run.key)} {text}"), reuse=True)
    ) as runs:
        for outcome in runs:
            queue.record(outcome)


def _perform(run: PlannedRun, progress: ProgressCallback, stop: StopCheck) -> FinishedRun:
    try:
        return perform(run, stop, progress)
    except DivergedError as error:
        raise ValueError(error) from None  # its message is enough


def _perform_in_threads(run: PlannedRun, progress: ProgressCallback, stop: StopCheck, *, threads: int) -> FinishedRun:
    torch.set_num_threads(threads)
    return _perform(run, progress, stop)
