"""Manifests are written in row groups: rows come one at a time, and memory stays small."""

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
from mien.learn.data.manifest.checksums import label_checksum, pack_checksum
from mien.learn.data.manifest.columns import PACK, ManifestError, batches, check_space, fitted, to_table, types
from mien.learn.data.manifest.rules import broken, refuse
from mien.tasks import Task

GROUP = 65_536
"""Rows of a row group."""

Fault = Callable[[str], None]


def write_manifest(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    tasks: Sequence[Task],
    metadata: Mapping[str, Any],
    fault: Fault | None = None,
) -> int:
    """Check rows and write them as they come; the number of rows written.

    Columns without any value are left out. The file appears when it is whole.

    Args:
        path: of the manifest; its folder exists.
        rows: with the columns of docs/data.md, and any others.
        tasks: the label space of the rows.
        metadata: goes into the metadata: source, licence, what is weak; JSON-ready. Read when all rows have come, so that
            a caller may count into it while they do.
        fault: told of each row that breaks a rule, and the others are written; None to refuse all then.

    Raises:
        ManifestError: if two labels have one name; if a row breaks a rule and there is no ``fault``; if a column cannot
            be labels at all, or an unknown one mixes kinds of values.
    """
    check_space(tasks)
    work = path.with_name(path.name + ".parts")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        parts, first = [], 0
        for number, batch in enumerate(batches(rows, GROUP)):
            table = _checked(path, batch, tasks, first, fault)
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
    """The rows as a table, every cell inside its vocabulary or range.

    Raises:
        ManifestError: naming ``path``, the column and the first wrong row.
    """
    return _checked(path, rows, tasks, 0, None)


def rewrite(
    path: Path, columns: Mapping[str, pa.Array | None], metadata: Mapping[str, Any], tasks: Sequence[Task]
) -> None:
    """Replace columns of a manifest, row group by row group, and its facts; None takes a column away."""
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
    """Write tables as the row groups of one manifest, with its facts and checksums, and put it in its place.

    Args:
        path: of the manifest.
        schema: the columns, without metadata.
        tables: called twice: once for the checksum, which stands in the head of the file, once to write.
        tasks: the label space.
        metadata: source, licence, what is weak.
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
    partial = path.with_name(path.name + ".partial")
    try:
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for table in tables():
                writer.write_table(fitted(table, schema), row_group_size=GROUP)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _checked(
    path: Path, rows: Sequence[Mapping[str, Any]], tasks: Sequence[Task], first: int, fault: Fault | None
) -> pa.Table:
    """The rows that break no rule as a table, without empty columns; the others are refused or told."""
    try:
        table, strays = to_table(rows, types(tasks))
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None
    wrong: dict[int, str] = {}
    for row, reason in strays:
        wrong.setdefault(row, f"{path}: row {first + row}: {reason}; the first: {rows[row].get('path')}")
    if fault is None and wrong:
        raise ManifestError(wrong[min(wrong)])
    table = table.select([name for name in table.column_names if name == "path" or table[name].null_count < len(table)])
    if fault is None:
        refuse(path, table, tasks, first)
        return table
    for found in broken(path, table, tasks):
        for row in found.rows.tolist():
            wrong.setdefault(row, found.about(path, table, row, first))
    for row in sorted(wrong):
        fault(wrong[row])
    kept = np.ones(len(table), bool)
    kept[list(wrong)] = False
    return table.filter(pa.array(kept)) if wrong else table


def _common(path: Path, parts: Sequence[Path]) -> pa.Schema:
    """The columns of all parts; whole numbers and others of one extra column are numbers."""
    schemas = [pq.read_schema(part).remove_metadata() for part in parts] or [pa.schema([("path", pa.string())])]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ManifestError(f"{path}: a column mixes kinds of values ({error})") from None
