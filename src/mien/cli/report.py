"""``mien report``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import Overwrite, Quiet, out_option
from mien.cli.terminal import progress, refusals, refuse_existing, write_text


def report(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="A .parquet table from `mien annotate`.")],
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The video, for thumbnails, if it is not where the table says."),
    ] = None,
    out: Annotated[Path | None, out_option("Write the page to this .html file.", default="TABLE.html")] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Summarise a table in one HTML file with charts.

    It shows curves, a heat map and the strongest expressions, and works offline.

    Example:
      mien report interview.parquet
    """
    with refusals():
        target = out or table.with_suffix(".html")
        _check(target, table, overwrite)
        if video is not None and not video.is_file():
            raise ValueError(f"{video}: {'is a folder' if video.is_dir() else 'no such file'}")
        page, notes = _page(table, video, quiet)
        write_text(target, page)
    if not quiet:
        for note in notes:
            print(note)
        print(f"report: {target}")


def _check(target: Path, table: Path, overwrite: bool) -> None:
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{target}: the name must end in .html")
    if target.is_dir():
        raise ValueError(f"{target}: is a folder")
    if table.exists():  # otherwise that is the error to report
        refuse_existing(target, overwrite=overwrite)


def _page(path: Path, video: Path | None, quiet: bool) -> tuple[str, list[str]]:
    """The page, with notes on what is missing."""
    from mien.report.build import build_report
    from mien.report.scan import scan
    from mien.report.thumbnails import thumbnails
    from mien.table.reader import AnnotatedTable

    table = AnnotatedTable(path)
    found = scan(table)
    if video is not None and len(found.inputs) > 1:
        raise ValueError(f"{path}: has {len(found.inputs)} inputs; --video is for a table with one")
    names = list(dict.fromkeys(peak.input for peak in found.peaks))
    files = {name: place for name in names if (place := video or _place(name, path)) is not None}
    with progress("thumbnails", len(found.peaks), hidden=quiet) as advance:
        pictures, faults = thumbnails(found.peaks, files, timed=found.timed, advance=advance)
    missing = [name for name in names if name not in files]
    hint = " (give it with --video FILE)" if found.timed else ""
    notes = [f"no thumbnails of {name}: no such file{hint}" for name in missing[:3]]
    notes += [f"... and of {len(missing) - 3} more"] if len(missing) > 3 else []
    notes += [f"no thumbnails of {fault}" for fault in faults]
    failures = _failures(path, table.metadata)
    return build_report(found, table.metadata, path.name, failures=failures, pictures=pictures, notes=notes), notes


def _place(name: str, table: Path) -> Path | None:
    """The file of an input, relative to the current folder or to the table's."""
    try:
        return next((place for place in (Path(name), table.parent / name) if place.is_file()), None)
    except (OSError, ValueError):  # no file can have this name
        return None


def _failures(path: Path, metadata: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """The failures that the table's metadata lists or, for a table of pictures, the list next to it.

    Raises:
        ValueError: if that cannot be read; the message is one line.
    """
    import csv
    import json

    from mien.table.writer import ERRORS

    place = path if "errors" in metadata else path.with_suffix(ERRORS)
    try:
        if place == path:
            listed = json.loads(metadata["errors"])
            return [{"input": str(each["input"]), "error": str(each["error"])} for each in listed]
        if not place.is_file():
            return []
        with place.open(encoding="utf-8", errors="replace", newline="") as stream:
            return [
                {"input": row.get("input") or "", "error": row.get("error") or ""} for row in csv.DictReader(stream)
            ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ValueError(f"{place}: its list of failures cannot be read: {error}") from None
