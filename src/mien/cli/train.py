"""The learning half of the command line: parses, calls, prints. PyTorch is imported inside the commands only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.calibrate import calibrate
from mien.cli.ceiling import ceiling
from mien.cli.consistency import consistency
from mien.cli.data_import import features
from mien.cli.evaluate import evaluate
from mien.cli.manifest import data
from mien.cli.plots import curves, feature_map
from mien.cli.prepare import prepare
from mien.cli.probe import probe
from mien.cli.relatedness import relatedness
from mien.cli.render import render
from mien.cli.study import study
from mien.cli.terminal import complain, fail, needs_extra, progress
from mien.interrupts import stop_requests


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
        from mien.learn.data.manifest.manifest import ManifestError
        from mien.learn.recipe.recipe import RecipeError, load
        from mien.learn.train.objective import DivergedError
        from mien.learn.train.policy_search import with_policy
        from mien.learn.train.setup.teachers import TeacherError
        from mien.learn.train.trainer import Trainer

    try:
        settings = load(recipe, change or ())
        folder = out or Path("runs") / settings.name
        begun = find(folder / "last") is not None
        if begun and not resume:
            fail(f"{folder} holds a run already; --resume goes on with it, --out DIR begins another", 2)
        trainer = Trainer.of(with_policy(settings, folder), folder)
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
        from mien.learn.export.export import export as write

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
    select = trainer.run.select
    for note in trainer.run.notes if main else ():
        complain(note)
    if main and trainer.run.untaught:
        names = ", ".join(trainer.run.untaught)
        complain(f"no label and no coupling teaches {names}: these outputs will mean nothing")

    epochs = -(-trainer.run.steps // trainer.mixing.steps_per_epoch)

    def epoch_done(row: dict[str, float]) -> None:
        losses = ", ".join(f"{name[5:]} {value:.3f}" for name, value in row.items() if name.startswith("loss."))
        judged = f"; {select} {row[select]:.4f}" if select in row else ""
        if main:
            print(f"epoch {row['epoch']}/{epochs}: {losses}{judged}", flush=True)

    with progress("training", trainer.run.steps, done=trainer.step) as advance:

        def report(means: Any) -> None:
            advance(1, ", ".join(f"{name} {value:.2f}" for name, value in means.items()))

        try:
            with stop_requests() as stop:
                trainer.train(report, epoch_done, stop.is_set)
        except KeyboardInterrupt:
            fail(f"interrupted after step {trainer.step} of {trainer.run.steps}; --resume goes on from there", 130)
        finally:
            trainer.accelerator.end_training()
    if main:
        print(f"best {select} {trainer.best:.4f}: {folder / 'best'}")
