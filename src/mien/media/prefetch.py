"""Prefetching: a thread computes the next items of an iterator while the current one is in use."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from queue import Full, Queue
from typing import TypeVar

Item = TypeVar("Item")

POLL_SECONDS = 0.05
"""Seconds between checks of whether the consumer has gone."""


class _End:
    """The end of the items, with the error that the iterator raised, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetch(items: Iterable[Item], size: int) -> Generator[Item, None, None]:
    """Yield the same items in the same order; a thread computes up to ``size`` of them ahead.

    An error of the iterator is raised here, after all the items before it. Closing the generator closes the iterator
    and ends the thread.

    Args:
        items: an iterator; only the thread advances it, starting at the first request.
        size: how many items may wait, at least 1; memory holds two more, the one being computed and the one in use.

    Example:
        >>> list(prefetch(range(3), 2))
        [0, 1, 2]
    """
    waiting: Queue[Item | _End] = Queue(size)
    done = threading.Event()
    thread = threading.Thread(target=_fill, args=(iter(items), waiting, done), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
            del item  # otherwise it stays in memory while the next one is awaited
        if item.error is not None:
            raise item.error
    finally:
        done.set()
        while thread.is_alive():
            thread.join(POLL_SECONDS)


def _fill(items: Iterator[Item], waiting: Queue[Item | _End], done: threading.Event) -> None:
    end = _End()
    try:
        while not done.is_set():
            _put(next(items), waiting, done)
    except StopIteration:
        pass
    except BaseException as error:  # the consumer handles all of them
        end = _End(error)
    finally:
        if close := getattr(items, "close", None):
            close()
    _put(end, waiting, done)


def _put(item: Item | _End, waiting: Queue[Item | _End], done: threading.Event) -> None:
    while not done.is_set():
        try:
            waiting.put(item, timeout=POLL_SECONDS)
            return
        except Full:
            continue
