"""Work shared out among processes."""

import os
from collections.abc import Iterator

import pytest

from mien.processes import AHEAD, cores, work_through


def square(number: int) -> int:
    return number * number


def end(number: int) -> int:
    if number == 3:
        os._exit(9)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(workers: int) -> None:
    assert list(work_through(square, range(9), workers)) == [k * k for k in range(9)]


def test_jobs_are_taken_only_as_far_as_they_are_needed() -> None:
    taken = []

    def jobs() -> Iterator[int]:
        for k in range(50):
            taken.append(k)
            yield k

    results = work_through(square, jobs(), 2)
    assert next(results) == 0
    assert len(taken) <= 2 * AHEAD
    results.close()  # type: ignore[attr-defined]


def test_a_process_that_dies_is_one_line() -> None:
    with pytest.raises(OSError, match="a working process was killed"):
        list(work_through(end, range(9), 2))


def test_there_is_a_core() -> None:
    assert cores() >= 1
