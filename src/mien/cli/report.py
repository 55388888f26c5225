"""The command ``mien report``: parses, calls, prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.terminal import fail, progress, refusals


def report(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="What `mien annotate` wrote: a .parquet file.")],
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The video, for thumbnails, if it is not where the table says."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="An .html file; TABLE.html by default.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier report.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")] = False,
) -> None:
    """Make one HTML file of a table, to look at: curves, heat map, peaks. It needs no network."""
    with refusals():
        target = out or table.with_suffix(".html")
        _check(target, table, overwrite)
        if video is not None and not video.is_file():
            raise ValueError(f"{video}: {'is a folder' if video.is_dir() else 'no such file'}")
        page, notes = _page(table, video, quiet)
        part = target.with_name(target.name + ".part")
        try:
            part.write_text(page, encoding="utf-8")
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise ValueError(f"{target}: cannot be written: {error.strerror}") from None
    if not quiet:
        for note in notes:
            print(note)
        print(f"report: {target}")


def _check(target: Path, table: Path, overwrite: bool) -> None:
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{target}: the name must end in .html")
    if target.is_dir():
        raise ValueError(f"{target}: is a folder")
    if target.exists() and not overwrite and table.exists():
        raise ValueError(f"{target}: exists already (--overwrite replaces it)")


def _page(path: Path, video: Path | None, quiet: bool) -> tuple[str, list[str]]:
    from mien.report.build import build_report
    from mien.report.scan import scan
    from mien.report.thumbnails import thumbnails
    from mien.table.reader import AnnotatedTable

    table = AnnotatedTable(path)
    found = scan(table)
    if video is not None and len(found.inputs) > 1:
        raise ValueError(f"{path}: is of {len(found.inputs)} inputs; --video is for a table of one")
    names = list(dict.fromkeys(peak.input for peak in found.peaks))
    files = {name: place for name in names if (place := video or _place(name, path)) is not None}
    with progress("thumbnails", len(found.peaks), hidden=quiet) as advance:
        pictures, faults = thumbnails(found.peaks, files, timed=found.timed, advance=advance)
    missing = [name for name in names if name not in files]
    notes = [f"No thumbnails of {name}: no such file" + " (--video FILE says where it is)." * found.timed
             for name in missing[:3]]  # fmt: skip
    notes += [f"... and of {len(missing) - 3} more."] if len(missing) > 3 else []
    notes += [f"No thumbnails of {fault}." for fault in faults]
    page = build_report(
        found, table.metadata, path.name, failures=_failures(path, table.metadata), pictures=pictures, notes=notes
    )
    return page, notes


def _place(name: str, table: Path) -> Path | None:
    """The file of an input, from here or from the table's folder."""
    try:
        return next((place for place in (Path(name), table.parent / name) if place.is_file()), None)
    except (OSError, ValueError):  # no file can have this name
        return None


def _failures(path: Path, metadata: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """Those in the table's metadata, if it tells any or none; otherwise in the list beside it, as pictures have one."""
    import csv
    import json

    from mien.table.writer import ERRORS

    place = path if "errors" in metadata else path.with_suffix(ERRORS)
    try:
        if place == path:
            told = json.loads(metadata["errors"])
            return [{"input": str(each["input"]), "error": str(each["error"])} for each in told]
        if not place.is_file():
            return []
        with place.open(encoding="utf-8", errors="replace", newline="") as stream:
            return [
                {"input": row.get("input") or "", "error": row.get("error") or ""} for row in csv.DictReader(stream)
            ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        fail(f"{place}: its list of failures cannot be read: {error}", 2)
