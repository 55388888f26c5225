"""Write and rewrite manifests, one row group at a time, so that memory does not grow with the number of rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien import __version__
from mien.atomic import replacing
from mien.learn.data.manifest.checksums import label_checksum, pack_checksum
from mien.learn.data.manifest.columns import (
    MANIFEST,
    PACK,
    ManifestError,
    check_space,
    conform,
    in_batches,
    to_table,
    types,
)
from mien.learn.data.manifest.rules import broken, refuse
from mien.tasks import Task

GROUP = 65_536
"""Number of rows in a row group."""

Report = Callable[[str], None]
"""Called with one line per unusable row: its place and the reason."""


def write_manifest(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    tasks: Sequence[Task],
    metadata: Mapping[str, Any],
    report: Report | None = None,
) -> int:
    """Check rows and write them as they arrive; return the number of rows written.

    Columns without any value are not written. The file appears when it is complete.

    Args:
        path: the manifest; its folder must exist.
        rows: rows with the columns of docs/data.md, and any others.
        tasks: the label space of the rows.
        metadata: source, licence, which labels are weak; JSON-ready. Read after the last row, so a caller may update it
            while rows arrive.
        report: called with one line per row that breaks a rule; the row is skipped. None refuses such rows.

    Raises:
        ManifestError: if two labels have the same name; if a row breaks a rule and there is no ``report``; if a column
            cannot hold labels at all, or an unknown column mixes types.
    """
    check_space(tasks)
    work = path.with_name(path.name + ".parts")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        parts, first = [], 0
        for number, batch in enumerate(in_batches(rows, GROUP)):
            table = _checked(path, batch, tasks, first, report)
            first += len(batch)
            parts.append(work / f"{number}.parquet")
            pq.write_table(table, parts[-1])

        def tables() -> Iterator[pa.Table]:
            return (pq.read_table(part) for part in parts)

        seal(path, _common(path, parts), tables, tasks, metadata)
        return sum(pq.read_metadata(part).num_rows for part in parts)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check_labels(path: Path, rows: Sequence[Mapping[str, Any]], tasks: Sequence[Task]) -> pa.Table:
    """The rows as a table, if every cell is inside its vocabulary or range.

    Raises:
        ManifestError: naming ``path``, the column and the first wrong row.
    """
    return _checked(path, rows, tasks, 0, None)


def rewrite(
    path: Path, columns: Mapping[str, pa.Array | None], metadata: Mapping[str, Any], tasks: Sequence[Task]
) -> None:
    """Replace columns of a manifest, one row group at a time, and its metadata; None removes a column."""
    file = pq.ParquetFile(path)
    schema = file.schema_arrow.remove_metadata()
    for name, values in columns.items():
        if name in schema.names:
            schema = schema.remove(schema.get_field_index(name))
        if values is not None and values.null_count < len(values):
            schema = schema.append(pa.field(name, values.type))

    def tables() -> Iterator[pa.Table]:
        first = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            for name in columns:
                table = table.drop_columns([name]) if name in table.column_names else table
                if name in schema.names:
                    table = table.append_column(name, columns[name].slice(first, table.num_rows))  # type: ignore[union-attr]
            first += table.num_rows
            yield table

    with file:
        seal(path, schema, tables, tasks, metadata)


def seal(
    path: Path,
    schema: pa.Schema,
    tables: Callable[[], Iterator[pa.Table]],
    tasks: Sequence[Task],
    metadata: Mapping[str, Any],
) -> None:
    """Write tables as the row groups of one manifest, with its metadata and checksums, and move it into place.

    Args:
        path: the manifest.
        schema: the columns, without metadata.
        tables: called twice: for the checksum, which is stored in the file's header, and to write.
        tasks: the label space.
        metadata: source, licence, which labels are weak.
    """
    checksum = {"labels": label_checksum(tables(), tasks)}
    if "crop" in schema.names and (pack := pack_checksum(path.with_name(PACK))):
        checksum["pack"] = pack
    whole = {
        **metadata,
        "mien": __version__,
        "format": 1,
        "checksum": checksum,
        "tasks": [task.to_dict() for task in tasks],
    }
    schema = schema.with_metadata({"mien": json.dumps(whole)})
    with replacing(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for table in tables():
            writer.write_table(conform(table, schema), row_group_size=GROUP)


def refuse_another(folder: Path, metadata: Mapping[str, Any]) -> None:
    """Raise a ManifestError if a folder holds a manifest of another source; the same source may be written again."""
    if not (folder / MANIFEST).exists():
        return
    try:
        held = json.loads(pq.read_schema(folder / MANIFEST).metadata[b"mien"]).get("source")
    except (AttributeError, KeyError, TypeError, ValueError):
        held = f"a {MANIFEST} that mien did not write"
    if held != metadata.get("source"):
        raise ManifestError(f"{folder}: holds another data set ({held}); choose another folder or remove it first")


def _checked(
    path: Path, rows: Sequence[Mapping[str, Any]], tasks: Sequence[Task], first: int, report: Report | None
) -> pa.Table:
    """The rows that break no rule as a table without empty columns; the others are refused or reported."""
    try:
        table, strays = to_table(rows, types(tasks))
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None
    wrong: dict[int, str] = {}
    for row, reason in strays:
        wrong.setdefault(row, f"{path}: row {first + row}: {reason}; the first: {rows[row].get('path')}")
    if report is None and wrong:
        raise ManifestError(wrong[min(wrong)])
    table = table.select([name for name in table.column_names if name == "path" or table[name].null_count < len(table)])
    if report is None:
        refuse(path, table, tasks, first)
        return table
    for found in broken(path, table, tasks):
        for row in found.rows.tolist():
            wrong.setdefault(row, found.about(path, table, row, first))
    for row in sorted(wrong):
        report(wrong[row])
    kept = np.ones(len(table), bool)
    kept[list(wrong)] = False
    return table.filter(pa.array(kept)) if wrong else table


def _common(path: Path, parts: Sequence[Path]) -> pa.Schema:
    """The columns of all parts; an extra column of both integers and fractions holds fractions."""
    schemas = [pq.read_schema(part).remove_metadata() for part in parts] or [pa.schema([("path", pa.string())])]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ManifestError(f"{path}: a column mixes types ({error})") from None
