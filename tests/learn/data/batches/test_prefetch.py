"""Prefetched batches are the requested ones."""

import threading
import time
from typing import Any

import pytest

from mien.learn.data.batches.prefetch import Prefetch


def test_steps_in_any_order_get_their_own_batches() -> None:
    made: list[int] = []

    def make(step: int) -> Any:
        made.append(step)
        return f"batch {step}"

    batches = Prefetch(make, 10)
    for step in (0, 1, 2, 7, 8, 3, 9):
        assert batches(step) == f"batch {step}"
    assert made == [0, 1, 2, 3, 7, 8, 9, 3, 4, 9]


def test_the_next_batch_is_made_in_the_background() -> None:
    ready = {step: threading.Event() for step in range(3)}

    def make(step: int) -> Any:
        ready[step].set()
        return step

    batches = Prefetch(make, 2)
    assert batches(0) == 0
    assert ready[1].wait(5)
    assert batches(1) == 1
    time.sleep(0.05)
    assert not ready[2].is_set()


def test_an_error_is_raised_at_its_step() -> None:
    def make(step: int) -> Any:
        if step == 1:
            raise ValueError("bad crop")
        return step

    batches = Prefetch(make, 5)
    assert batches(0) == 0
    with pytest.raises(ValueError, match="bad crop"):
        batches(1)
    assert batches(2) == 2
