"""Prepare the next batch in a thread while the current one is used for training."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from mien.learn.batch import Batch


class Prefetch:
    """Returns the batch of a step and prepares the next one in a thread.

    The rows of a batch do not depend on earlier steps, so prefetching does not change them. The thread only copies
    memory, so one is enough.

    Args:
        make: returns the batch of a step; called only by the thread.
        end: the step at which the run ends; no batch is made for it.
    """

    def __init__(self, make: Callable[[int], Batch], end: int) -> None:
        self._make, self._end = make, end
        self._thread = ThreadPoolExecutor(1, "batches")
        self._next: tuple[int, Future[Batch]] | None = None

    def __call__(self, step: int) -> Batch:
        """The batch of this step; errors while making it are raised here."""
        waiting = self._next
        future = waiting[1] if waiting and waiting[0] == step else self._thread.submit(self._make, step)
        batch = future.result()
        self._next = (step + 1, self._thread.submit(self._make, step + 1)) if step + 1 < self._end else None
        return batch
