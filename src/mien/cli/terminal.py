"""What commands show: tables, progress, and the one line of a failure."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import typer


def complain(reason: str) -> None:
    """One line on stderr; control characters, as file names may have, come as question marks.

    The numbers of the system's errors are left out: the words after them say the same.
    """
    plain = re.sub(r"\[Errno -?\d+\] ", "", reason)
    print("mien: " + re.sub(r"[\x00-\x1f\x7f]", "?", plain), file=sys.stderr)


def fail(reason: str, status: int) -> NoReturn:
    """Say why on stderr, a line for each fault, and end the command with this exit status."""
    for line in reason.splitlines():
        complain(line)
    raise typer.Exit(status)


@contextmanager
def refusals() -> Iterator[None]:
    """Bad input, foreseen as an OSError or a ValueError, ends the command with its line and status 2."""
    try:
        yield
    except (OSError, ValueError) as error:
        fail(str(error), 2)


@contextmanager
def needs_extra(extra: str = "train") -> Iterator[None]:
    """A package that the base install lacks ends the command with a line that says how to get it, and status 2."""
    try:
        yield
    except ModuleNotFoundError as error:
        fail(f"this command needs {error.name}: pip install 'mien[{extra}]'", 2)


@contextmanager
def progress(what: str, total: int | None, *, done: int = 0, hidden: bool = False) -> Iterator[Callable[..., None]]:
    """A bar on stderr if that is a terminal, nothing elsewhere; yields ``advance(steps, text="", total=None)``.

    The total is None if it is not known, and to ``advance`` if it stays what it was.
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
    """A table for people on a terminal, lines with tabs for programs elsewhere."""
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
