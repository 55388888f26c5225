"""Jobs in processes: outcomes, failures, requests to stop; and the ordered map."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mien
from mien.processes import PENDING_PER_WORKER, Outcome, ProgressCallback, StopCheck, cores, map_in_order, run_jobs

BOTH = pytest.mark.parametrize("workers", [1, 2])


def queue(*jobs: str) -> Callable[[], str | None]:
    waiting = iter(jobs)
    return lambda: next(waiting, None)


def act(job: str, progress: ProgressCallback, stop: StopCheck) -> str:
    if job == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "exits":
        os._exit(7)
    if job == "refuses":
        raise ValueError("not this\n one")
    if job == "breaks":
        raise KeyError("a bug")
    if job == "waits":
        progress("waiting")
        while not stop():
            time.sleep(0.01)
        raise KeyboardInterrupt
    if job == "saves":
        progress("waiting")
        while not stop():
            time.sleep(0.01)
        return "saved"
    progress("half", 1)
    return f"{job} in {'this' if multiprocessing.parent_process() is None else 'another'} process"


def by_job(outcomes: Iterator[Outcome[str, str]]) -> dict[str, Outcome[str, str]]:
    return {outcome.job: outcome for outcome in outcomes}


@BOTH
def test_results_and_reports(workers: int) -> None:
    reports: list[tuple[object, ...]] = []
    found = by_job(run_jobs(queue("a", "b", "c"), act, workers, lambda *report: reports.append(report)))
    where = "this" if workers == 1 else "another"
    assert {job: outcome.result for job, outcome in found.items()} == {
        job: f"{job} in {where} process" for job in "abc"
    }
    assert sorted(reports) == [(job, "half", 1) for job in "abc"]


@BOTH
def test_a_failed_job_costs_no_other(workers: int) -> None:
    found = by_job(run_jobs(queue("refuses", "a", "breaks", "b"), act, workers))
    assert (found["refuses"].error, found["refuses"].traceback) == ("not this one", None)
    assert found["breaks"].error == "KeyError: 'a bug'"
    assert "in act" in (found["breaks"].traceback or "")
    assert [found[job].error for job in "ab"] == [None, None]


def test_a_killed_process_costs_its_job_alone() -> None:
    found = by_job(run_jobs(queue("a", "killed", "exits", "b"), act, 2))
    assert found["killed"].error == "its process was killed (out of memory?)"
    assert found["exits"].error == "its process ended with status 7 (out of memory?)"
    assert [(outcome.killed, outcome.result is None) for outcome in found.values()] == [
        (job in ("killed", "exits"),) * 2 for job in found
    ]


def identify(job: str, progress: ProgressCallback, stop: StopCheck) -> int:
    if job == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


@pytest.mark.parametrize("reuse", [False, True])
def test_processes_are_reused_on_request_alone(reuse: bool) -> None:
    wanted: list[str] = ["a", "b", "killed", "c", "d"]

    def one_at_a_time() -> str | None:
        return wanted.pop(0) if wanted and len(found) == 5 - len(wanted) else None

    found: list[Outcome[str, int]] = []
    for outcome in run_jobs(one_at_a_time, identify, 2, reuse=reuse):
        found.append(outcome)
    a, b, killed, c, d = found
    assert (killed.result, killed.killed) == (None, True)
    assert (a.result == b.result, c.result == d.result) == (reuse, reuse)
    assert b.result != c.result


@BOTH
def test_a_job_may_wait_for_another(workers: int) -> None:
    ended: list[str] = []
    waiting = ["student", "teacher"]

    def ready() -> str | None:
        allowed = [job for job in waiting if job == "teacher" or "teacher" in ended]
        return waiting.pop(waiting.index(allowed[0])) if allowed else None

    for outcome in run_jobs(ready, act, workers):
        ended.append(outcome.job)
    assert ended == ["teacher", "student"]


@BOTH
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_request_stops_running_jobs_and_starts_no_more(workers: int, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    outcomes, waiting = [], 0

    def stop(*_: object) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == workers:
            signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        outcomes.extend(run_jobs(queue("waits", "saves", "a"), act, workers, stop))  # keeps those before it
    found = sorted((outcome.job, outcome.result, outcome.error) for outcome in outcomes)
    assert found == [("saves", "saved", None), ("waits", None, None)][2 - workers :]
    assert signal.getsignal(number) is before


def test_the_second_request_ends_the_jobs_at_once() -> None:
    def stop(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(run_jobs(queue("waits", "waits"), act, 2, stop))
    assert time.monotonic() - start < 30
    assert not multiprocessing.active_children()


PARENT = """
from test_processes import act, queue
from mien.processes import run_jobs

if __name__ == "__main__":
    list(run_jobs(queue("waits", "waits"), act, 2, lambda *_: print("running", flush=True)))
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    paths = os.pathsep.join([str(Path(mien.__file__).parents[1]), str(Path(__file__).parent)])
    command = [sys.executable, str(tmp_path / "parent.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths}) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == ["running\n"] * 2
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        assert len(children) >= 2
        parent.kill()
    until = time.monotonic() + 30
    while any(_running(child) for child in children):
        assert time.monotonic() < until
        time.sleep(0.05)


def _running(process: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def square(number: int) -> int:
    return number * number


def exit_at_three(number: int) -> int:
    if number == 3:
        os._exit(9)
    return number


@BOTH
def test_the_map_keeps_the_order_of_the_jobs(workers: int) -> None:
    assert list(map_in_order(square, range(9), workers)) == [k * k for k in range(9)]


def test_the_map_reads_only_a_little_ahead() -> None:
    taken = []

    def jobs() -> Iterator[int]:
        for k in range(50):
            taken.append(k)
            yield k

    results = map_in_order(square, jobs(), 2)
    assert next(results) == 0
    assert len(taken) <= 2 * PENDING_PER_WORKER
    results.close()  # type: ignore[attr-defined]


def test_a_killed_process_of_the_map_is_an_error() -> None:
    with pytest.raises(OSError, match="a worker process was killed"):
        list(map_in_order(exit_at_three, range(9), 2))


def test_cores() -> None:
    assert cores() >= 1
