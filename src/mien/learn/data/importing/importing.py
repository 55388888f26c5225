"""A data set becomes a manifest: its reader's rows are written as they come, then faces or pictures are packed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq

from mien import __version__
from mien.faces.detect import Pixels
from mien.learn.data.importing.faults import Faults
from mien.learn.data.importing.readers import label_space
from mien.learn.data.manifest.columns import MANIFEST
from mien.learn.data.manifest.manifest import read_metadata
from mien.learn.data.manifest.write import rewrite, write_manifest
from mien.learn.data.pack.crops import PackOptions, pack_options
from mien.learn.data.pack.finder import Finder, prepare
from mien.learn.data.pack.prepare import prepare_manifest
from mien.learn.data.pack.resize import pack
from mien.learn.data.pack.write import Row, refuse_another
from mien.learn.data.sources.shared import archive

Advance = Callable[[int], None]


def import_rows(
    reader: ModuleType,
    root: Path | None,
    out: Path,
    options: Mapping[str, Any],
    faults: Faults,
    advance: Advance = lambda _: None,
) -> int:
    """Write ``out/manifest.parquet``, a row for each of the reader's; the number of rows.

    The pictures are not looked at. Paths are absolute.

    Args:
        reader: a module of :mod:`mien.learn.data.sources`.
        root: its folder or file, or an archive of it; None for a reader that needs none.
        out: folder, made when the first row has come.
        options: of ``reader.read``.
        faults: told of what cannot be used; their kinds and numbers stand in the manifest.
        advance: called with 1 after each row.

    Raises:
        ValueError: if ``root`` is not this data set, or nothing in it can be used.
        OSError: if it cannot be opened.
    """
    place = _opened(reader, root, out)
    tasks, metadata = label_space(reader, place, options)
    refuse_another(out, metadata)
    rows: Iterator[Row] = iter(reader.read(place, faults, **options))
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{place}: there is no picture with a label")
    out.mkdir(parents=True, exist_ok=True)
    name = reader.__name__.rpartition(".")[2]
    given = {key: str(value) if isinstance(value, Path) else value for key, value in options.items()}
    metadata |= {"importer": {"reader": name, "version": __version__, "options": given}, "faults": faults.kinds}
    return write_manifest(out / MANIFEST, _counted(chain([first], rows), advance), tasks, metadata, faults)


def prepare_rows(
    out: Path, reader: ModuleType, faults: Faults, advance: Advance = lambda _: None, *, side: int | None = None
) -> None:
    """Pack what the rows of a manifest show, so that it can be trained on.

    The facts say how (:func:`mien.learn.data.pack.crops.pack_options`), as they do to `mien data prepare`.

    Args:
        out: the folder of the manifest.
        reader: what read it; its ``picture(row)``, if it has one, gives a row's picture in place of its file.
        faults: told of each picture that cannot be used; its row is left out.
        advance: called with 1 after each row.
        side: in place of that of the facts.
    """
    path, tasks, metadata = read_metadata(out)
    how = pack_options(metadata, side=side)
    if picture := getattr(reader, "picture", None):
        left_out = _in_memory(out, reader, picture, how, advance)
    else:
        left_out = prepare_manifest(out, how, advance=advance)
    for line in left_out:
        faults(line)
    path, tasks, metadata = read_metadata(out)
    rewrite(path, {}, {**metadata, "faults": faults.kinds}, tasks)


def _in_memory(
    out: Path, reader: ModuleType, picture: Callable[[Row], Pixels], how: PackOptions, advance: Advance
) -> list[str]:
    """Pack the pictures of a reader that gives them itself; few enough to be held."""
    path, tasks, metadata = read_metadata(out)
    rows = pq.read_table(path).to_pylist()
    if how.side:
        metadata["side"] = how.side
        return pack(rows, picture, out, side=how.side, tasks=tasks, metadata=metadata, grey=how.grey, advance=advance)
    finder = getattr(reader, "FINDER", Finder())
    given: dict[str, Any] = {"finder": finder, "grey": how.grey, "keep_unfound": how.keep_unfound}
    return prepare(rows, picture, out, tasks=tasks, metadata=metadata, advance=advance, **given)


def _opened(reader: ModuleType, root: Path | None, out: Path) -> Path:
    """The folder or file that the reader shall read."""
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
