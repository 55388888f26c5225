"""Merge several manifests into one, with one label space and one pack."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.atomic import replacing
from mien.learn.data.manifest.columns import GIVEN, MANIFEST, PACK, TEXT, ManifestError, check_space
from mien.learn.data.manifest.pack import Pack, read_pack
from mien.learn.data.manifest.read import outside_pack, read_metadata
from mien.learn.data.manifest.write import refuse_another, seal
from mien.tasks import Task

CHUNK = 4096
"""Number of inputs that are copied at a time."""

LEFT = ("excluded", GIVEN)
"""Columns that are not merged: excluded rows are dropped, and the current splits are final."""


@dataclass(frozen=True, eq=False)
class Part:
    """One of the manifests to merge.

    Args:
        path: the file.
        metadata: the manifest's metadata.
        table: the rows that are not excluded, with ``dataset`` and absolute paths; ``subject`` and ``video`` are
            prefixed with the data set's name.
        pack: the inputs; None if the manifest is not prepared.
    """

    path: Path
    metadata: dict[str, Any]
    table: pa.Table
    pack: Pack | None


def merge(paths: Sequence[Path], out: Path, advance: Callable[[int], None] = lambda _: None) -> int:
    """Write one manifest and one pack from several; return the number of rows.

    Excluded rows are dropped. ``dataset`` is kept, or set to the name of the manifest's folder. Subjects and videos are
    renamed to ``dataset:name``, so that "1" in two sets is not the same person.

    Args:
        paths: two or more manifests, or their folders.
        out: another folder; created if it does not exist.
        advance: called with the number of inputs in each chunk that is copied.

    Raises:
        ManifestError: if one is unusable, if tasks or columns conflict, or the packs hold inputs of
            different shapes.
        OSError: if something cannot be read or written.
    """
    opened = [read_metadata(path) for path in paths]
    tasks = unite_tasks([(path, space) for path, space, _ in opened])
    if out.resolve() in [path.parent.resolve() for path, _, _ in opened]:
        raise ManifestError(f"{out}: holds one of the manifests; choose another folder")
    metadata = {
        "source": "; ".join(
            dict.fromkeys(str(metadata.get("source", path.parent.name)) for path, _, metadata in opened)
        ),
        "weak": {task: why for _, _, metadata in opened for task, why in metadata.get("weak", {}).items()},
        "merged": [{"manifest": str(path), **metadata} for path, _, metadata in opened],
    }
    refuse_another(out, metadata)
    parts = [_read_part(path, own) for path, _, own in opened]
    schema, shape = _schema(parts), _shape(parts)
    out.mkdir(parents=True, exist_ok=True)
    if shape is None:
        seal(out / MANIFEST, schema, lambda: (part.table for part in parts), tasks, metadata)
        return sum(len(part.table) for part in parts)
    with replacing(out / PACK) as partial:
        _join_packs(parts, partial, advance)
        (out / MANIFEST).unlink(missing_ok=True)  # it belongs to the pack that is replaced next
    seal(out / MANIFEST, schema, lambda: _numbered(parts), tasks, metadata)
    return sum(len(part.table) for part in parts)


def unite_tasks(spaces: Sequence[tuple[Path, Sequence[Task]]]) -> tuple[Task, ...]:
    """The tasks of all label spaces.

    Raises:
        ManifestError: if a task has other labels in another space, or two tasks share a label.
    """
    known: dict[str, tuple[Path, Task]] = {}
    for path, tasks in spaces:
        for task in tasks:
            place, first = known.setdefault(task.name, (path, task))
            if (first.kind, first.labels) != (task.kind, task.labels):
                raise ManifestError(f"{path}: its task {task.name} differs from that of {place}")
    space = tuple(task for _, task in known.values())
    try:
        check_space(space)
    except ManifestError as error:
        paths = " and ".join(str(path) for path, _ in spaces)
        raise ManifestError(f"{paths} have conflicting tasks: {error}") from None
    return space


def _read_part(path: Path, metadata: dict[str, Any]) -> Part:
    table = pq.read_table(path).replace_schema_metadata(None)
    if "excluded" in table.column_names:
        table = table.filter(pc.is_null(table["excluded"]))
    table = table.drop_columns([name for name in LEFT if name in table.column_names])
    if not table.num_rows:
        raise ManifestError(f"{path}: has no rows to merge")
    origin = path.parent.resolve().name
    known = "dataset" in table.column_names and not pa.types.is_null(table["dataset"].type)
    names = (
        pc.fill_null(table["dataset"].cast(TEXT), origin)
        if known
        else pa.chunked_array([pa.array([origin] * len(table), TEXT)])
    )
    table = _with(table, "dataset", names)
    for name in ("subject", "video"):
        if name in table.column_names and not pa.types.is_null(table[name].type):
            table = _with(table, name, _called(names, table[name].cast(TEXT)))
    table = _with(table, "path", _absolute(table["path"], path.parent))
    if "crop" not in table.column_names:
        return Part(path, metadata, table, None)
    pack = read_pack(path.with_name(PACK))
    for wrong in outside_pack(path, table, len(pack)):
        raise ManifestError(wrong.line(path, table))
    return Part(path, metadata, table, pack)


def _called(origin: Any, names: Any) -> Any:
    """``dataset:name``; names from an earlier merge are kept."""
    head = pc.list_element(pc.split_pattern(names, ":", max_splits=1), 0)
    again = pc.and_(pc.equal(head, origin), pc.match_substring(names, ":"))
    return pc.if_else(again, names, pc.binary_join_element_wise(origin, names, ":"))


def _absolute(paths: Any, folder: Path) -> Any:
    """Make paths relative to the manifest's folder absolute, if the first of them exists there."""
    first = next((path for path in paths.to_pylist() if path is not None), "/")
    if Path(first).is_absolute() or not (folder / first).exists():
        return paths
    return pc.binary_join_element_wise(str(folder.resolve()), paths, os.sep)


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def _schema(parts: Sequence[Part]) -> pa.Schema:
    try:
        return pa.unify_schemas([part.table.schema for part in parts], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ManifestError(f"columns with the same name have different types ({error})") from None


def _shape(parts: Sequence[Part]) -> tuple[int, ...] | None:
    """The shape of one input; None if no part is prepared."""
    first = parts[0]
    for part in parts[1:]:
        if (first.pack is None) != (part.pack is None):
            bare = first if first.pack is None else part
            raise ManifestError(f"{bare.path}: has no pack, unlike the others; `mien data prepare` creates it")
        if first.pack is not None and part.pack is not None:
            shapes = [(pack.shape[1:], pack.dtype) for pack in (first.pack, part.pack)]
            if shapes[0] != shapes[1]:
                raise ManifestError(f"{part.path}: inputs of shape {shapes[1][0]}, but {shapes[0][0]} in {first.path}")
    return None if first.pack is None else tuple(first.pack.shape[1:])


def _join_packs(parts: Sequence[Part], path: Path, advance: Callable[[int], None]) -> None:
    """Write one pack with the inputs of all rows, in their order."""
    packs = [(part.pack, np.asarray(part.table["crop"].to_numpy())) for part in parts if part.pack is not None]
    first, total = packs[0][0], sum(len(rows) for _, rows in packs)
    joined = np.lib.format.open_memmap(path, mode="w+", dtype=first.dtype, shape=(total, *first.shape[1:]))
    place = 0
    for pack, rows in packs:
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            joined[place : place + len(some)] = pack[some]
            place += len(some)
            advance(len(some))
    joined.flush()


def _numbered(parts: Sequence[Part]) -> Iterator[pa.Table]:
    """The tables with the crop numbers of the joined pack."""
    place = 0
    for part in parts:
        yield _with(part.table, "crop", pa.array(np.arange(place, place + len(part.table)), pa.int64()))
        place += len(part.table)
