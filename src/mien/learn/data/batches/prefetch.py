"""The next batch is made while this one trains."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from mien.learn.batch import Batch


class Prefetch:
    """Gives the batches of steps, and makes the one that follows in a thread meanwhile.

    Which rows a batch has does not depend on what came before, so this changes none of them, whatever steps are asked
    for. The thread copies memory and decodes nothing: one is enough.

    Args:
        make: gives the batch of a step; it is called by the thread alone.
        end: the step at which the run ends; no batch is made of it.
    """

    def __init__(self, make: Callable[[int], Batch], end: int) -> None:
        self._make, self._end = make, end
        self._thread = ThreadPoolExecutor(1, "batches")
        self._next: tuple[int, Future[Batch]] | None = None

    def __call__(self, step: int) -> Batch:
        """The batch of this step; what making it raises is raised here."""
        waiting = self._next
        future = waiting[1] if waiting and waiting[0] == step else self._thread.submit(self._make, step)
        batch = future.result()
        self._next = (step + 1, self._thread.submit(self._make, step + 1)) if step + 1 < self._end else None
        return batch
