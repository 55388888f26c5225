"""Import one data set: write the rows of its reader as a manifest, then pack their pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

from mien import __version__
from mien.learn.data.importing.errors import ImportErrors
from mien.learn.data.importing.readers import label_space
from mien.learn.data.manifest import read_metadata
from mien.learn.data.manifest.columns import MANIFEST, Row
from mien.learn.data.manifest.write import refuse_another, rewrite, write_manifest
from mien.learn.data.pack.crops import pack_options
from mien.learn.data.pack.prepare import prepare_manifest
from mien.learn.data.sources.shared import archive

Advance = Callable[[int], None]


def import_rows(
    reader: ModuleType,
    root: Path | None,
    out: Path,
    options: Mapping[str, Any],
    errors: ImportErrors,
    advance: Advance = lambda _: None,
) -> int:
    """Write ``out/manifest.parquet``, one row per row of the reader; return the number of rows.

    The pictures are not opened. Paths are absolute.

    Args:
        reader: a module of :mod:`mien.learn.data.sources`.
        root: its folder or file, or an archive of it; None for a reader that needs none.
        out: folder, created when the first row arrives.
        options: keyword arguments of ``reader.read``.
        errors: collects unusable rows; the number of each kind is written to the manifest's metadata.
        advance: called with 1 after each row.

    Raises:
        ValueError: if ``root`` is not this data set, or nothing in it is usable.
        OSError: if it cannot be opened.
    """
    place = _open_root(reader, root, out)
    tasks, metadata = label_space(reader, place, options)
    refuse_another(out, metadata)
    rows: Iterator[Row] = iter(reader.read(place, errors, **options))
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{place}: no labelled pictures found")
    out.mkdir(parents=True, exist_ok=True)
    name = reader.__name__.rpartition(".")[2]
    given = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    metadata |= {"importer": {"reader": name, "version": __version__, "options": given}, "errors": errors.kinds}
    return write_manifest(out / MANIFEST, _counted(chain([first], rows), advance), tasks, metadata, errors)


def prepare_rows(
    out: Path, reader: ModuleType, errors: ImportErrors, advance: Advance = lambda _: None, *, side: int | None = None
) -> None:
    """Pack the pictures of an imported manifest, so that it can be used for training.

    The options are those of the manifest's metadata (:func:`mien.learn.data.pack.crops.pack_options`), with the
    reader's own ``FINDER`` if it has one.

    Args:
        out: the folder of the manifest.
        reader: the module that read it; its ``picture(row)``, if it has one, reads a row's picture.
        errors: collects unusable pictures; their rows are skipped.
        advance: called with the number of finished rows.
        side: overrides the side in the metadata.
    """
    _, _, metadata = read_metadata(out)
    options = pack_options(metadata, side=side)
    if finder := getattr(reader, "FINDER", None):
        options = replace(options, finder=finder)
    for line in prepare_manifest(out, options, picture=getattr(reader, "picture", None), advance=advance):
        errors(line)
    path, tasks, metadata = read_metadata(out)
    rewrite(path, {}, {**metadata, "errors": errors.kinds}, tasks)


def _open_root(reader: ModuleType, root: Path | None, out: Path) -> Path:
    """The folder or file to pass to the reader; an archive is unpacked first."""
    if root is None:
        return out
    root = Path(os.path.abspath(root))  # noqa: PTH100 (resolve would follow links out of the data set)
    if root.is_file() and getattr(reader, "FILE", False):
        return root
    return archive.unpack(root, Path(os.path.abspath(out)), getattr(reader, "MARKER", None))  # noqa: PTH100


def _counted(rows: Iterator[Row], advance: Advance) -> Iterator[Row]:
    for row in rows:
        yield row
        advance(1)
