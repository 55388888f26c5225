"""The application: its commands, in the groups that ``mien --help`` lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from mien import __version__
from mien.cli import help as cli
from mien.cli.annotate.command import annotate
from mien.cli.calibrate import calibrate
from mien.cli.curves import curves
from mien.cli.data import check, clean, import_, list_, merge, prepare, render, sample, split, stats
from mien.cli.evaluate import evaluate
from mien.cli.export import export
from mien.cli.features import features
from mien.cli.map import map_
from mien.cli.probe import probe
from mien.cli.relatedness import ceiling, consistency, diff, infer, show
from mien.cli.report import report
from mien.cli.study import study
from mien.cli.tasks import tasks
from mien.cli.train import train

app = cli.group(
    "mien",
    "Read expression, action units, valence and arousal from faces, and train networks to do so.",
    "mien annotate photos --out faces.csv",
)
data = cli.group("data", "Make, check and change manifests of labelled pictures.", "mien data list")
relatedness = cli.group(
    "relatedness",
    "Show, infer and compare tables of p(attribute | class).",
    "mien relatedness show du_2014",
)


def main() -> None:
    """Run the command ``mien``."""
    app(prog_name="mien")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mien {__version__}")
        raise typer.Exit


@app.callback()
def _mien(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Annotate": (annotate, report, tasks),
    "Train": (train, study),
    "Evaluate": (evaluate, probe, curves, map_),
    "Deploy": (calibrate, export, features),
}
for title, commands in COMMANDS.items():
    for command in commands:
        cli.register(app, command, title)

for command in (
    import_.import_,
    list_.list_,
    prepare.prepare,
    render.render,
    check.check,
    stats.stats,
    merge.merge,
    split.split,
    sample.sample,
    clean.clean,
):
    cli.register(data, command)
for command in (show.show, infer.infer, diff.diff, ceiling.ceiling, consistency.consistency):
    cli.register(relatedness, command)

app.add_typer(data, rich_help_panel="Data")
app.add_typer(relatedness, rich_help_panel="Data")
