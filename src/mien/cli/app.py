"""The command line: parses, calls, prints."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mien import __version__
from mien.cli import train as commands
from mien.cli.annotate.command import annotate
from mien.cli.report import report
from mien.cli.terminal import print_table

app = typer.Typer(
    name="mien",
    help="Reads faces: expression, action units, valence and arousal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """What the command ``mien`` runs."""
    app()


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


@app.command()
def tasks(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print every label: column, range and meaning.

    All tasks of the face label space. Compounds are no network's: `mien annotate --compounds` derives them.
    """
    from mien.tasks import ALL_TASKS

    if as_json:
        print(json.dumps([{**task.to_dict(), "range": task.range} for task in ALL_TASKS], indent=2))
        return
    rows = [
        [task.name, task.kind.value, label, f"[{task.range[0]:g}, {task.range[1]:g}]", meaning]
        for task in ALL_TASKS
        for label, meaning in zip(task.labels, task.meanings, strict=True)
    ]
    print_table(["task", "kind", "column", "range", "meaning"], rows)


app.command()(annotate)
app.command()(report)
commands.register(app)
