"""``mien train``. PyTorch is imported inside the command only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.options import Overwrite, Set, out_option
from mien.cli.terminal import complain, fail, needs_extra, progress
from mien.interrupts import stop_requests

RUN = ("best", "last", "log.csv", "search")
"""The files and folders that a run writes."""


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A YAML file; see recipes/ and docs/recipes.md.")],
    out: Annotated[
        Path | None, out_option("Write the checkpoints and the log to this folder.", "DIR", "runs/NAME")
    ] = None,
    change: Set = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the last checkpoint of the run, if it has one.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train a network on all labels in the recipe's manifests.

    Exit status: 0 when done, 2 if the run could not start or continue, 130 after Ctrl-C (use --resume to continue).

    Example:
      mien train recipes/digits.yaml --set epochs=3
    """
    with needs_extra():
        from mien.annotate.model import ModelError
        from mien.learn.checkpoint import CheckpointError, find
        from mien.learn.data.manifest import ManifestError
        from mien.learn.recipe import RecipeError, load
        from mien.learn.train.objective import DivergedError
        from mien.learn.train.policy_search import with_policy
        from mien.learn.train.setup.teachers import TeacherError
        from mien.learn.train.trainer import Trainer

    if resume and overwrite:
        fail("--resume continues and --overwrite starts over: give one of them", 2)
    try:
        settings = load(recipe, change or ())
        folder = out or Path("runs") / settings.name
        started = find(folder / "last") is not None
        if started and not resume and not overwrite:
            fail(f"{folder}: already holds a run (use --resume to continue it, --overwrite to start over)", 2)
        with _starting_over(folder, overwrite):
            trainer = Trainer.of(with_policy(settings, folder), folder)
        if started and resume:
            trainer.resume()
        folder.mkdir(parents=True, exist_ok=True)
        _run(trainer, folder)
    except (CheckpointError, DivergedError, ManifestError, ModelError, RecipeError, TeacherError, OSError) as error:
        fail(str(error), 2)


@contextmanager
def _starting_over(folder: Path, wanted: bool) -> Iterator[None]:
    """Remove the run that a folder holds once the new one has been built; one process does it for all."""
    if not wanted:
        yield
        return
    from accelerate import PartialState

    state, aside = PartialState(), folder / ".replaced"
    if state.is_main_process:
        _move(folder, aside)
    state.wait_for_everyone()
    try:
        yield
    except Exception:
        if state.is_main_process:
            _move(aside, folder)
        raise
    finally:
        if state.is_main_process:
            shutil.rmtree(aside, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    """Move the files of a run to another folder, replacing those there."""
    for path in [source / name for name in RUN if (source / name).exists()]:
        target.mkdir(parents=True, exist_ok=True)
        if (target / path.name).is_dir():
            shutil.rmtree(target / path.name)
        path.replace(target / path.name)


def _run(trainer: Any, folder: Path) -> None:
    """Run the trainer with a progress bar on a terminal and one printed line per epoch."""
    main = trainer.accelerator.is_main_process
    select = trainer.run.select
    for note in trainer.run.notes if main else ():
        complain(note)
    if main and trainer.run.untaught:
        names = ", ".join(trainer.run.untaught)
        complain(f"no label and no coupling teaches {names}: these outputs will be meaningless")

    epochs = -(-trainer.run.steps // trainer.mixing.steps_per_epoch)

    def epoch_done(row: dict[str, float]) -> None:
        losses = ", ".join(f"{name[5:]} {value:.3f}" for name, value in row.items() if name.startswith("loss."))
        selected = f"; {select} {row[select]:.4f}" if select in row else ""
        if main:
            print(f"epoch {row['epoch']}/{epochs}: {losses}{selected}", flush=True)

    with progress("training", trainer.run.steps, done=trainer.step) as advance:

        def report(means: Any) -> None:
            advance(1, ", ".join(f"{name} {value:.2f}" for name, value in means.items()))

        try:
            with stop_requests() as stop:
                trainer.train(report, epoch_done, stop.is_set)
        except KeyboardInterrupt:
            fail(f"interrupted after step {trainer.step} of {trainer.run.steps} (use --resume to continue)", 130)
        finally:
            trainer.accelerator.end_training()
    if main:
        print(f"best {select} {trainer.best:.4f}: {folder / 'best'}")
