"""The next items are made while this one is used: what makes a chain of iterators a pipeline."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from queue import Full, Queue
from typing import TypeVar

Item = TypeVar("Item")

PATIENCE = 0.05
"""Seconds between two looks whether the other side has gone."""


class _End:
    """What follows the last item: nothing, or the error that the iterator ended with."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetch(items: Iterable[Item], size: int) -> Generator[Item, None, None]:
    """The same items in the same order; a thread takes up to ``size`` of them ahead of whoever asks.

    What the iterator raises is raised here, after all the items that came before. When the generator is closed, the
    iterator is closed too, and its thread has ended.

    Args:
        items: advanced by the thread alone, from the first time that an item is asked for.
        size: how many may wait, at least 1; memory holds two more, the one being made and the one in use.
    """
    waiting: Queue[Item | _End] = Queue(size)
    over = threading.Event()
    thread = threading.Thread(target=_fill, args=(iter(items), waiting, over), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
            del item  # else it would live on while the next one is waited for
        if item.error is not None:
            raise item.error
    finally:
        over.set()
        while thread.is_alive():
            thread.join(PATIENCE)


def _fill(items: Iterator[Item], waiting: Queue[Item | _End], over: threading.Event) -> None:
    end = _End()
    try:
        while not over.is_set():
            _put(next(items), waiting, over)
    except StopIteration:
        pass
    except BaseException as error:  # all of it is the business of whoever asks for items
        end = _End(error)
    finally:
        if close := getattr(items, "close", None):
            close()
    _put(end, waiting, over)


def _put(item: Item | _End, waiting: Queue[Item | _End], over: threading.Event) -> None:
    while not over.is_set():
        try:
            waiting.put(item, timeout=PATIENCE)
            return
        except Full:
            continue
