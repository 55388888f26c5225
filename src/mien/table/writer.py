"""Where annotations go: Parquet, CSV or JSONL, written as they come, and a list of what failed beside them."""

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

BUFFER = 1000
"""Rows that are held before they are written; a row group of Parquet."""


ERRORS = ".errors.csv"
"""What the list of failures is called behind the name of a table of pictures."""

SUMMARIES = (".tracks.csv", ".summary.csv")
"""What the files of both summaries are called behind the name of a video's table."""


class TableWriteError(OSError):
    """An output that cannot be written; the message is one line."""


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class _JsonLines:
    """One JSON object a row, with every column; nulls as null."""

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
    """The float of the fewest digits that is the same float32: 0.9, not 0.8999999761581421."""
    return float(str(np.float32(value)))


WRITERS: dict[str, Callable[[IO[bytes], pa.Schema], _Writer]] = {
    ".parquet": pa.parquet.ParquetWriter,
    ".csv": pa.csv.CSVWriter,
    ".jsonl": _JsonLines,
}


GROUP = 5000
"""Rows of a row group of a video's table."""


def write_table(
    path: Path,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    writer: Callable[[IO[bytes], pa.Schema], _Writer] | None = None,
) -> None:
    """Write a whole table, row group by row group; it takes its name when it is complete.

    Args:
        path: its suffix says the format; what stands there is replaced.
        schema: of the batches.
        batches: any number of any length; as many are held as make a row group.
        writer: another one than the format's own.

    Raises:
        OSError: if it cannot be written; what stood there before still does.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("wb") as stream:
            begun = (writer or WRITERS[path.suffix.lower()])(stream, schema)
            try:
                for table in _groups(schema, batches):
                    begun.write_table(table)
            except BaseException:
                with suppress(Exception):  # the first failure is the one to tell
                    begun.close()
                raise
            begun.close()
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


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
    """A table on disk that grows; a context manager, which completes the file however it is left.

    Args:
        path: its suffix says the format: .parquet (with all metadata), .csv or .jsonl; ``-`` is CSV on standard output.
        schema: of the rows.
        overwrite: whether an existing file may be replaced; the summaries of a video's table go with it.

    Attributes:
        errors_path: ``<path without suffix>.errors.csv`` (input, error), made when something fails; None for ``-``.

    Raises:
        TableWriteError: if the suffix is unknown, or one of both files exists or cannot be written.
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
        """Add rows; they reach the disk in groups of :data:`BUFFER`."""
        self._pending += rows
        if len(self._pending) >= BUFFER:
            self._flush()

    def fail(self, name: str, error: str) -> None:
        """Note in the list beside the table that an input could not be read; on disk at once."""
        if self.errors_path is None:
            return
        if self._errors is None:
            self._errors = self.errors_path.open("w", encoding="utf-8", newline="")
            csv.writer(self._errors).writerow(["input", "error"])
        csv.writer(self._errors).writerow([name, error])
        self._errors.flush()

    def close(self) -> None:
        """Write what is pending and complete the file; a second call does nothing."""
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
