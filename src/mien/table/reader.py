"""Reading a finished table batch by batch, for reports and overlays."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from mien.tasks import Kind, Task

REQUIRED = ("input", "frame", "face", "x", "y", "width", "height")

BUFFER_BYTES = 65536
"""Bytes of a column to read at once."""


class TableError(ValueError):
    """A table that cannot be used; the message is one line."""


class AnnotatedTable:
    """A table of ``mien annotate``, read from disk as needed.

    Args:
        path: a Parquet file; the other formats lack the label space.

    Attributes:
        path: path of the file.
        tasks: the label space.
        metadata: metadata of the file: model, version, options.
        names: names of the columns.
        rows: number of rows.
        timed: whether its rows have times, as those of videos do.

    Raises:
        TableError: if it cannot be read or is not such a table.

    Example:
        >>> table = AnnotatedTable("talk.parquet")  # doctest: +SKIP
        >>> faces = sum(batch["face"].is_valid().sum().as_py() for batch in table.batches(["face"]))  # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != ".parquet":
            raise TableError(f"{self.path}: the name must end in .parquet (other formats lack the label space)")
        if not self.path.is_file():
            raise TableError(f"{self.path}: {'is a folder' if self.path.is_dir() else 'no such file'}")
        try:
            # with its own buffering, pyarrow keeps all it has read, eventually the whole file
            self._file = pa.parquet.ParquetFile(self.path, pre_buffer=False, buffer_size=BUFFER_BYTES)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None
        schema = self._file.schema_arrow
        self.names, self.rows = list(schema.names), self._file.metadata.num_rows
        self.metadata = {
            key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
            for key, value in (schema.metadata or {}).items()
            if key != b"ARROW:schema"
        }
        if "mien_version" not in self.metadata or not set(REQUIRED) <= set(self.names):
            raise TableError(f"{self.path}: not a table from mien annotate")
        self.tasks = self._tasks()
        self.timed = "time" in self.names

    def batches(self, columns: Sequence[str] | None = None, size: int = 4096) -> Iterator[pa.RecordBatch]:
        """Yield the rows, ``size`` at a time.

        Args:
            columns: columns to read, except those that the table lacks; all by default.
            size: maximum rows per batch.

        Raises:
            TableError: if the file is damaged.
        """
        wanted = None if columns is None else [name for name in self.names if name in set(columns)]
        try:
            yield from self._file.iter_batches(size, columns=wanted)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from None

    def of(self, kind: Kind) -> list[str]:
        """All labels of a kind of task."""
        return [label for task in self.tasks if task.kind is kind for label in task.labels]

    def _tasks(self) -> tuple[Task, ...]:
        if "tasks" not in self.metadata:
            raise TableError(f"{self.path}: has no label space: no metadata 'tasks'")
        try:
            tasks = tuple(Task.from_dict(task) for task in json.loads(self.metadata["tasks"]))
        except (KeyError, TypeError, ValueError):
            raise TableError(f"{self.path}: its metadata 'tasks' cannot be read") from None
        needed = [label for task in tasks for label in task.labels]
        needed += [task.name for task in tasks if task.kind is Kind.CLASSES]
        if missing := [name for name in needed if name not in self.names]:
            raise TableError(f"{self.path}: has no column {', '.join(missing)}")
        return tasks

    def _unreadable(self, error: Exception) -> TableError:
        return TableError(f"{self.path}: cannot be read ({' '.join(str(error).split())})")
