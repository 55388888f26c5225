"""Many runs of a study: order, failures, stopping, and several processes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.learn.study import pool
from mien.learn.study.plan import Study
from mien.learn.study.pool import RunOutcome, run_all
from mien.learn.study.run import PlannedRun, jobs
from mien.learn.study.store import RunStore

Make = Callable[..., Study]


def lines(outcomes: list[RunOutcome]) -> list[tuple[str, str | None]]:
    return [(outcome.job.setting, outcome.error) for outcome in outcomes]


@pytest.fixture
def three(make_study: Make, tmp_path: Path) -> tuple[list[PlannedRun], Study, RunStore]:
    settings: dict[str, Any] = {
        "diverging": {"change": {"optimizer.rate": 1e30, "optimizer.clip": None}},
        "student": {"teachers": "diverging"},
        "plain": {},
    }
    study, store = make_study(settings=settings, repeat={"seeds": [0]}), RunStore(tmp_path)
    return jobs(study, store, []), study, store


def test_a_failed_run_costs_only_its_students(three: tuple[list[PlannedRun], Study, RunStore]) -> None:
    todo, study, store = three
    outcomes: list[RunOutcome] = []
    run_all(todo, 1, outcomes.append)
    (_, reason), *rest = lines(outcomes)
    assert reason is not None
    assert reason.startswith("the loss ")
    assert reason.endswith("a lower optimizer.rate may help")
    assert rest == [("student", "its teacher diverging seed0 failed"), ("plain", None)]
    assert list(store.read(study)) == [("plain", "seed0")]
    assert list(store.errors(study)) == [("diverging", "seed0"), ("student", "seed0")]
    assert [job.setting for job in jobs(study, store, [])] == ["diverging", "student"], "they are tried again"


def test_a_bug_leaves_a_traceback(
    three: tuple[list[PlannedRun], Study, RunStore], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    todo, study, store = three

    def broken(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(pool, "perform", broken)
    run_all(todo[2:], 1, lambda _: None)
    assert store.errors(study) == {("plain", "seed0"): "KeyError: 'a bug'"}
    assert "Traceback" in (tmp_path / "runs/plain/seed0.error").read_text()


def test_ctrl_c_keeps_finished_runs(three: tuple[list[PlannedRun], Study, RunStore]) -> None:
    todo, study, store = three
    outcomes: list[RunOutcome] = []

    def ended(outcome: RunOutcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_all(todo, 1, ended)
    assert [outcome.job.setting for outcome in outcomes] == ["diverging", "student"]
    assert store.read(study) == {}
    assert signal.getsignal(signal.SIGINT) is before


def test_sighup_stays_ignored_under_nohup(
    three: tuple[list[PlannedRun], Study, RunStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(str(signal.getsignal(signal.SIGHUP)))

    monkeypatch.setattr(pool, "perform", broken)
    outcomes: list[RunOutcome] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run_all(three[0][2:], 1, outcomes.append)
        assert lines(outcomes) == [("plain", str(signal.SIG_IGN))]
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_saves_the_step_of_a_run(three: tuple[list[PlannedRun], Study, RunStore]) -> None:
    todo, _, store = three
    said: list[str] = []

    def once(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_all(todo[2:], 1, lambda _: None, once)
    assert said == ["plain seed0 1/12", "plain seed0 2/12"]
    assert (store.work("plain", "seed0") / "last").is_dir()


DIES = """
import os
from mien.learn.models import ResidualMLP


class Dies(ResidualMLP):
    def forward(self, inputs):
        os._exit(7)
"""


def test_several_processes(make_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose process dies costs no other; Ctrl-C saves the run that is not finished."""
    (tmp_path / "dies.py").write_text(DIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = {
        "long": {"change": {"epochs": 100_000}},
        "dies": {"change": {"network": "dies.Dies"}},
        "student": {"teachers": "plain"},
        "plain": {},
    }
    study, store = make_study(settings=settings, repeat={"seeds": [0]}), RunStore(tmp_path / "study")
    outcomes: list[RunOutcome] = []

    def ended(outcome: RunOutcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_all(jobs(study, store, []), 2, ended)
    reason = "its process ended with status 7 (out of memory?)"
    assert lines(outcomes) == [("dies", reason), ("plain", None), ("student", None)]
    assert list(store.read(study)) == [("student", "seed0"), ("plain", "seed0")]
    assert (store.work("long", "seed0") / "last").is_dir()
    apart, key = RunStore(tmp_path / "apart"), ("plain", "seed0")
    run_all(jobs(study, apart, ["plain"]), 1, lambda _: None)
    assert apart.read(study)[key].metrics == pytest.approx(store.read(study)[key].metrics)
