"""Prefetching: a bounded number of items, in order, by a thread that ends with the consumer."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from mien.media.prefetch import prefetch


def threads() -> int:
    return sum(thread.name == "prefetch" for thread in threading.enumerate())


def test_order_and_end() -> None:
    assert list(prefetch(range(100), 3)) == list(range(100))
    assert list(prefetch([], 1)) == []
    assert threads() == 0


def test_no_more_than_size_wait() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for index in range(50):
            made.append(index)
            yield index

    stream = prefetch(items(), 4)
    assert next(stream) == 0
    time.sleep(0.2)
    assert len(made) == 1 + 4 + 1  # taken, waiting, and the one that finds no room
    stream.close()
    assert threads() == 0


def test_an_error_is_raised_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("torn")

    stream = prefetch(items(), 8)
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(ValueError, match="torn"):
        next(stream)
    assert threads() == 0


def test_closing_closes_a_whole_chain() -> None:
    closed = []

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    stream = prefetch((2 * item for item in prefetch(items(), 2)), 2)
    assert next(stream) == 0
    stream.close()
    assert closed == ["prefetch"]
    assert threads() == 0


def test_two_stages_work_at_once() -> None:
    def slow(items: Iterator[int]) -> Iterator[int]:
        for item in items:
            time.sleep(0.02)
            yield item

    begin = time.perf_counter()
    assert len(list(slow(prefetch(slow(iter(range(20))), 2)))) == 20
    assert time.perf_counter() - begin < 0.7


def test_a_used_item_is_released() -> None:
    class Thing:
        pass

    stream = prefetch((Thing() for _ in range(1)), 1)
    thing = next(stream)
    seen = weakref.ref(thing)
    del thing
    assert next(stream, None) is None
    gc.collect()
    assert seen() is None
