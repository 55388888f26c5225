"""The learning half of the command line: parses, calls, prints. PyTorch is imported inside the commands only."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.consistency_command import consistency
from mien.learn.calibrate_command import calibrate
from mien.learn.ceiling_command import ceiling
from mien.learn.data.prepare_command import prepare
from mien.learn.data.render_commands import render
from mien.learn.data_commands import features
from mien.learn.evaluate_commands import evaluate
from mien.learn.manifest_commands import data
from mien.learn.picture_commands import curves, feature_map
from mien.learn.probe_command import probe
from mien.learn.study_commands import study
from mien.relatedness_commands import relatedness
from mien.terminal import complain, fail, heard_endings, needs_extra, progress


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(train)
    app.command()(evaluate)
    app.command()(calibrate)
    app.command()(export)
    app.command()(features)
    app.command()(probe)
    app.command()(study)
    app.command()(curves)
    app.command("map")(feature_map)
    data.command()(prepare)
    data.command()(render)
    app.add_typer(data, name="data")
    relatedness.command()(ceiling)
    relatedness.command()(consistency)
    app.add_typer(relatedness, name="relatedness")


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A YAML file; see recipes/ and docs/recipes.md.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the run; runs/NAME by default.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint, if it has one.")
    ] = False,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe.")
    ] = None,
) -> None:
    """Train a network on the labels there are.

    Exit status: 0 when done, 2 if it could not begin or go on, 130 after Ctrl-C (go on with --resume).
    """
    with needs_extra():
        from mien.annotate.model import ModelError
        from mien.learn.checkpoint import CheckpointError, find
        from mien.learn.data.manifest import ManifestError
        from mien.learn.objective import DivergedError
        from mien.learn.policy_search import prepared
        from mien.learn.recipe import RecipeError, load
        from mien.learn.teachers import TeacherError
        from mien.learn.trainer import Trainer

    try:
        settings = load(recipe, change or ())
        folder = out or Path("runs") / settings.name
        begun = find(folder / "last") is not None
        if begun and not resume:
            fail(f"{folder} holds a run already; --resume goes on with it, --out DIR begins another", 2)
        trainer = Trainer(prepared(settings, folder), folder)
        if begun:
            trainer.resume()
        folder.mkdir(parents=True, exist_ok=True)
        _watch(trainer, folder)
    except (CheckpointError, DivergedError, ManifestError, ModelError, RecipeError, TeacherError, OSError) as error:
        fail(str(error), 2)


def export(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A checkpoint folder, such as runs/NAME/best.")
    ],
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The .onnx file to write.")],
    name: Annotated[str | None, typer.Option(help="Of the network; the recipe's by default.")] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Keep weights in 16 bits: half the size, the same speed.")
    ] = False,
) -> None:
    """Write a trained network as one ONNX file, with its calibration if it has one.

    It is what `mien annotate --model` reads.
    """
    with needs_extra():
        from mien.learn.checkpoint import CheckpointError
        from mien.learn.export import export as write

    if target.suffix != ".onnx":
        fail(f"{target}: the file's name must end in .onnx", 2)
    try:
        difference = write(checkpoint, target, name=name, half=half)
    except (CheckpointError, OSError, RuntimeError) as error:
        fail(str(error), 2)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB; differs from the original by at most {difference:.0e}")


def _watch(trainer: Any, folder: Path) -> None:
    """Run the trainer with a progress bar on a terminal and one printed line an epoch."""
    main = trainer.accelerator.is_main_process
    select = trainer.select
    for note in trainer.notes if main else ():
        complain(note)
    if main and trainer.untaught:
        names = ", ".join(trainer.untaught)
        complain(f"no label and no coupling teaches {names}: these outputs will mean nothing")

    epochs = -(-trainer.steps // trainer.mixing.steps_per_epoch)

    def epoch_done(row: dict[str, float]) -> None:
        losses = ", ".join(f"{name[5:]} {value:.3f}" for name, value in row.items() if name.startswith("loss."))
        judged = f"; {select} {row[select]:.4f}" if select in row else ""
        if main:
            print(f"epoch {row['epoch']}/{epochs}: {losses}{judged}", flush=True)

    with progress("training", trainer.steps, done=trainer.step) as advance:

        def report(means: Any) -> None:
            advance(1, ", ".join(f"{name} {value:.2f}" for name, value in means.items()))

        try:
            with _stopping(trainer):
                trainer.run(report, epoch_done)
        except KeyboardInterrupt:
            fail(f"interrupted after step {trainer.step} of {trainer.steps}; --resume goes on from there", 130)
        finally:
            trainer.accelerator.end_training()
    if main:
        print(f"best {select} {trainer.best:.4f}: {folder / 'best'}")


@contextmanager
def _stopping(trainer: Any) -> Iterator[None]:
    """Ctrl-C or SIGTERM lets the trainer finish and save its step; the second one ends it at once, unsaved."""

    def ask(*_: object) -> None:
        if trainer.stop:
            raise KeyboardInterrupt
        trainer.stop = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, *heard_endings())}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
