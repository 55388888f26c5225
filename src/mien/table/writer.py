"""Writes annotations to Parquet, CSV or JSONL, and failed inputs to a list next to the table."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from mien.annotate.schema import Row
from mien.atomic import replacing

BUFFER = 1000
"""Rows that are buffered before they are written; also a Parquet row group."""


ERRORS = ".errors.csv"
"""Suffix of the list of failed inputs of a table of pictures."""

SUMMARIES = (".tracks.csv", ".summary.csv")
"""Suffixes of the two summaries of a video's table."""


class TableWriteError(OSError):
    """An output that cannot be written; the message is one line."""


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class _JsonLines:
    """Writes one JSON object per row with every column; missing values are null."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema) -> None:
        self._stream = stream
        self._single = {field.name for field in schema if field.type == pa.float32()}

    def write_table(self, table: pa.Table) -> None:
        for row in table.to_pylist():
            short = {
                name: _shortest(value) if name in self._single and value is not None else value
                for name, value in row.items()
            }
            self._stream.write(json.dumps(short, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None: ...


def _shortest(value: float) -> float:
    """The float with the fewest digits that is the same float32: 0.9, not 0.8999999761581421."""
    return float(str(np.float32(value)))


WRITERS: dict[str, Callable[[IO[bytes], pa.Schema], _Writer]] = {
    ".parquet": pa.parquet.ParquetWriter,
    ".csv": pa.csv.CSVWriter,
    ".jsonl": _JsonLines,
}


GROUP = 5000
"""Rows per row group in a video's table."""


def write_table(
    path: Path,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    writer: Callable[[IO[bytes], pa.Schema], _Writer] | None = None,
) -> None:
    """Write a whole table, row group by row group, and give it its name once it is complete.

    Args:
        path: its suffix is the format; an existing file is replaced.
        schema: the schema of the batches.
        batches: any number of any length; one row group at a time is in memory.
        writer: used instead of the format's own.

    Raises:
        OSError: if it cannot be written; an existing file is unchanged.
    """
    with replacing(path) as partial, partial.open("wb") as stream:
        output = (writer or WRITERS[path.suffix.lower()])(stream, schema)
        try:
            for table in _groups(schema, batches):
                output.write_table(table)
        except BaseException:
            with suppress(Exception):  # report the first failure
                output.close()
            raise
        output.close()


def _groups(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= GROUP:
            yield pa.Table.from_batches(held, schema).combine_chunks()
            held = []
    if held:
        yield pa.Table.from_batches(held, schema).combine_chunks()


class TableWriter:
    """Writes a table row by row; a context manager, which completes the file even after an error.

    Args:
        path: its suffix is the format: .parquet (with all metadata), .csv or .jsonl; ``-`` is CSV on standard output.
        schema: the schema of the rows.
        overwrite: replace an existing file, and remove the summaries of a video's table.

    Attributes:
        errors_path: ``<path without suffix>.errors.csv`` (input, error), created at the first failure; None for ``-``.

    Raises:
        TableWriteError: for an unknown suffix, or if either file exists or cannot be written.

    Example:
        >>> with TableWriter("photos.parquet", annotator.schema) as table:  # doctest: +SKIP
        ...     for result in annotator.stream("photos"):
        ...         table.write(result.rows)
    """

    def __init__(self, path: str | Path, schema: pa.Schema, *, overwrite: bool = False) -> None:
        self.path, self.schema = Path(path), schema
        named = str(path) != "-" and self.path.name
        self.errors_path = self.path.with_suffix(ERRORS) if named else None
        self._pending: list[Row] = []
        self._errors: IO[str] | None = None
        self._stream = self._open(overwrite)
        suffix = self.path.suffix.lower() if self.errors_path else ".csv"
        self._writer = WRITERS[suffix](self._stream, schema)

    def _open(self, overwrite: bool) -> IO[bytes]:
        if str(self.path) == "-":
            return sys.stdout.buffer
        if self.errors_path is None or self.path.suffix.lower() not in WRITERS:
            raise TableWriteError(f"{self.path}: the name must end in {', '.join(WRITERS)}")
        if self.errors_path.exists() and not overwrite:
            raise TableWriteError(f"{self.errors_path}: already exists (use --overwrite to replace it)")
        stale = [self.path.with_suffix(suffix) for suffix in SUMMARIES if self.path.exists()]
        try:
            stream = self.path.open("wb" if overwrite else "xb")
            for path in (self.errors_path, *stale):
                path.unlink(missing_ok=True)
        except FileExistsError:
            raise TableWriteError(f"{self.path}: already exists (use --overwrite to replace it)") from None
        except OSError as error:
            raise TableWriteError(f"{self.path}: cannot be written: {error.strerror}") from None
        return stream

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows; they are written to disk in groups of :data:`BUFFER`."""
        self._pending += rows
        if len(self._pending) >= BUFFER:
            self._flush()

    def fail(self, name: str, error: str) -> None:
        """Immediately add an input that could not be read to the list next to the table."""
        if self.errors_path is None:
            return
        if self._errors is None:
            self._errors = self.errors_path.open("w", encoding="utf-8", newline="")
            csv.writer(self._errors).writerow(["input", "error"])
        csv.writer(self._errors).writerow([name, error])
        self._errors.flush()

    def close(self) -> None:
        """Write the pending rows and complete the file; a second call does nothing."""
        if self._stream.closed:
            return
        try:
            self._flush()
        finally:
            self._writer.close()
            if self.errors_path is None:
                self._stream.flush()
            else:
                self._stream.close()
            if self._errors is not None:
                self._errors.close()

    def _flush(self) -> None:
        if self._pending:
            self._writer.write_table(pa.Table.from_pylist(self._pending, self.schema))
            self._pending = []

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        self.close()
