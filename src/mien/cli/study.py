"""The command ``mien study``: parses, calls, prints. PyTorch is imported inside the command only."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.terminal import complain, fail, needs_extra, print_table, progress


def study(
    path: Annotated[Path, typer.Argument(metavar="STUDY", help="A YAML file; see docs/studies.md.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the study; runs/NAME by default.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Runs at a time; each has its share of the cores.")] = 1,
    only: Annotated[
        list[str] | None, typer.Option(metavar="SETTING", help="Run these settings only, and their teachers.")
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the study file.")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Write the report again and train nothing.")] = False,
) -> None:
    """Train a recipe in several settings, over folds or seeds, and compare them.

    Finished runs are kept: the same command goes on where it was stopped. Exit status: 0 when all is done, 1 if runs
    failed, 2 if nothing could be begun, 130 after Ctrl-C.
    """
    with needs_extra():
        from mien.learn.study.check import check
        from mien.learn.study.plan import StudyError, load
        from mien.learn.study.pool import RunOutcome, run_all
        from mien.learn.study.report import MARKDOWN
        from mien.learn.study.run import jobs
        from mien.learn.study.store import RunStore
        from mien.spelling import did_you_mean

    failures: list[RunOutcome] = []
    try:
        plan = load(path, change or ())
        for name in only or ():
            if name not in plan.file.settings:
                raise StudyError(f"--only: there is no setting {name}{did_you_mean(name, plan.file.settings)}")
        store = RunStore(out or Path("runs") / plan.name)
        todo = [] if report else jobs(plan, store, only or [])
        check(plan, list(dict.fromkeys(job.setting for job in todo)))
        done = len(store.read(plan))
        with progress("studying", done + len(todo), done=done) as advance:

            def ended(outcome: RunOutcome) -> None:
                advance(1)
                if outcome.result is None:
                    failures.append(outcome)
                    complain(f"{' '.join(outcome.job.key)}: {outcome.error}")
                else:
                    print(_line(outcome.result), flush=True)

            interrupted = False
            try:
                run_all(todo, workers, ended, lambda text: advance(0, text))
            except KeyboardInterrupt:
                interrupted = True
        command = ["mien", "study", str(path), *(["--out", str(out)] if out else [])]
        command += [word for each in change or () for word in ("--set", each)]
        written = _write(plan, store, shlex.join(command))
    except (ValueError, OSError) as error:
        fail(str(error), 2)
    if interrupted:
        fail(f"interrupted; the same command goes on from there, {store.root} keeps what is done", 130)
    if not written:
        fail(f"{store.root}: no run is finished", 1 if failures else 2)
    print(f"report: {store.root / MARKDOWN}")
    raise typer.Exit(1 if failures else 0)


def _line(run: Any) -> str:
    metrics = ", ".join(f"{name} {run.metrics[name]:.4f}" for name in run.headlines.values())
    return f"{run.setting} {run.repeat}: {metrics} ({run.seconds:.0f} s)"


def _write(plan: Any, store: Any, command: str) -> bool:
    """Write and print the report of what is finished; False if that is nothing."""
    from mien.learn.study.report import means, write_report
    from mien.learn.study.summary import summarise

    runs = store.read(plan)
    if not runs:
        return False
    summary = summarise(plan, runs, store.errors(plan))
    write_report(store.root, summary, runs, command)
    print_table(*_split(means(summary)))
    return True


def _split(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    return rows[0], rows[1:]
