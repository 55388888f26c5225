"""Terminal output of commands: tables, progress, and errors in one line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer

from mien.atomic import replace_text


def complain(reason: str) -> None:
    """Print one line to stderr; control characters, which file names may contain, are printed as question marks.

    The system's error numbers are dropped, because the text after them says the same.
    """
    plain = re.sub(r"\[Errno -?\d+\] ", "", reason)
    print("mien: " + re.sub(r"[\x00-\x1f\x7f]", "?", plain), file=sys.stderr)


def fail(reason: str, status: int) -> NoReturn:
    """Print the reason to stderr, one line per problem, and end the command with this exit status."""
    for line in reason.splitlines():
        complain(line)
    raise typer.Exit(status)


@contextmanager
def refusals() -> Iterator[None]:
    """End the command with one line and status 2 on bad input: an OSError or a ValueError."""
    try:
        yield
    except (OSError, ValueError) as error:
        fail(str(error), 2)


@contextmanager
def needs_extra(extra: str = "train") -> Iterator[None]:
    """End the command with status 2 and a line about what to install, if the base install lacks a package."""
    try:
        yield
    except ModuleNotFoundError as error:
        fail(f"this command needs {error.name}: pip install 'mien[{extra}]'", 2)


def refuse_existing(*outputs: Path | None, overwrite: bool) -> None:
    """Refuse to replace an output, before any work starts.

    Args:
        outputs: files; None for one that is not written.
        overwrite: whether they may be replaced.

    Raises:
        FileExistsError: if one exists; the message is one line.
    """
    for path in outputs:
        if path is not None and path.exists() and not overwrite:
            raise FileExistsError(f"{path}: already exists (use --overwrite to replace it)")


def write_text(path: Path, text: str) -> None:
    """Write a file in one step; OSError, one line that names the file, if it cannot be written."""
    try:
        replace_text(path, text)
    except OSError as error:
        raise OSError(f"{path}: cannot be written: {error.strerror}") from None


def write_json(path: Path | None, data: Any) -> None:
    """Write the JSON of ``--out``, if that is given."""
    if path is not None:
        write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


@contextmanager
def progress(what: str, total: int | None, *, done: int = 0, hidden: bool = False) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr if that is a terminal, else nothing; yields ``advance(steps, text="", total=None)``.

    Args:
        what: the label of the bar.
        total: number of steps; None if it is unknown.
        done: number of steps that an earlier run completed.
        hidden: whether no bar is shown.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    hidden = hidden or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False, disable=hidden) as bar:
        task = bar.add_task("", total=total, completed=done, text="")
        yield lambda steps, text="", total=None: bar.update(task, advance=steps, text=text, total=total)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table for people on a terminal, and tab-separated lines for programs elsewhere."""
    if not sys.stdout.isatty():
        for row in [header, *rows]:
            print("\t".join(row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
