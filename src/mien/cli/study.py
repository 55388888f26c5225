"""``mien study``. PyTorch is imported inside the command only."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import REPEAT, Set, Workers, out_option
from mien.cli.terminal import complain, fail, needs_extra, print_table, progress

if TYPE_CHECKING:
    from mien.learn.study.plan import Study
    from mien.learn.study.pool import RunOutcome
    from mien.learn.study.run import PlannedRun
    from mien.learn.study.store import RunStore


def study(
    path: Annotated[Path, typer.Argument(metavar="STUDY", help="A YAML file; see studies/ and docs/studies.md.")],
    out: Annotated[Path | None, out_option("Write the runs and the report to this folder.", "DIR", "runs/NAME")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="SETTING", help=f"Run only this setting and its teachers. {REPEAT}"),
    ] = None,
    change: Set = None,
    report: Annotated[
        bool, typer.Option("--report", help="Train nothing; only rewrite the report of the finished runs.")
    ] = False,
    workers: Workers = 1,
) -> None:
    """Train a recipe in several settings, over folds or seeds, and compare them.

    Finished runs are kept, and the same command continues an interrupted study; the report is rewritten each time.
    Exit status: 0 when all runs are finished, 1 if runs failed, 2 if nothing could be started, 130 after Ctrl-C.

    Example:
      mien study studies/digits.yaml --workers 2
    """
    with needs_extra():
        from mien.learn.study.report import MARKDOWN
        from mien.learn.study.store import RunStore

    try:
        plan = _load(path, change or (), only or ())
        store = RunStore(out or Path("runs") / plan.name)
        failures, interrupted = _run(plan, store, _jobs(plan, store, only or (), report), workers)
        written = _report(plan, store, _command(path, out, change or ()))
    except (ValueError, OSError) as error:
        fail(str(error), 2)
    if interrupted:
        fail(f"interrupted; finished runs are kept in {store.root}, and the same command continues", 130)
    if not written:
        fail(f"{store.root}: no run is finished", 1 if failures else 2)
    print(f"report: {store.root / MARKDOWN}")
    raise typer.Exit(1 if failures else 0)


def _load(path: Path, changes: Sequence[str], only: Sequence[str]) -> Study:
    """The study, whose settings include those of ``--only``."""
    from mien.learn.study.plan import StudyError, load
    from mien.spelling import did_you_mean

    plan = load(path, changes)
    for name in only:
        if name not in plan.file.settings:
            raise StudyError(f"--only {name}: no such setting{did_you_mean(name, plan.file.settings)}")
    return plan


def _jobs(plan: Study, store: RunStore, only: Sequence[str], report: bool) -> list[PlannedRun]:
    """The remaining runs, checked before anything starts."""
    from mien.learn.study.check import check
    from mien.learn.study.run import jobs

    found = [] if report else jobs(plan, store, list(only))
    check(plan, list(dict.fromkeys(job.setting for job in found)))
    return found


def _run(plan: Study, store: RunStore, jobs: Sequence[PlannedRun], workers: int) -> tuple[list[RunOutcome], bool]:
    """Run the jobs; returns those that failed, and whether it was interrupted."""
    from mien.learn.study.pool import run_all

    failures: list[RunOutcome] = []
    done = len(store.read(plan))
    with progress("studying", done + len(jobs), done=done) as advance:

        def ended(outcome: RunOutcome) -> None:
            advance(1)
            if outcome.result is None:
                failures.append(outcome)
                complain(f"{' '.join(outcome.job.key)}: {outcome.error}")
            else:
                print(_line(outcome.result), flush=True)

        try:
            run_all(jobs, workers, ended, lambda text: advance(0, text))
        except KeyboardInterrupt:
            return failures, True
    return failures, False


def _line(run: Any) -> str:
    metrics = ", ".join(f"{name} {run.metrics[name]:.4f}" for name in run.headlines.values())
    return f"{run.setting} {run.repeat}: {metrics} ({run.seconds:.0f} s)"


def _command(path: Path, out: Path | None, changes: Sequence[str]) -> str:
    """The command that makes this study, for the report."""
    words = ["mien", "study", str(path), *(["--out", str(out)] if out else [])]
    return shlex.join([*words, *(word for each in changes for word in ("--set", each))])


def _report(plan: Study, store: RunStore, command: str) -> bool:
    """Write and print the report of the finished runs; False if there are none."""
    from mien.learn.study.report import means, write_report
    from mien.learn.study.summary import summarise

    runs = store.read(plan)
    if not runs:
        return False
    summary = summarise(plan, runs, store.errors(plan))
    write_report(store.root, summary, runs, command)
    header, *rows = means(summary)
    print_table(header, rows)
    return True
