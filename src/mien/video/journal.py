"""The journal of a run: rows appended to a file batch by batch, which can be read back after a kill.

The file is an Arrow IPC stream without its end: the schema, then one message per batch. A kill damages at most the last
message.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from mien.annotate.schema import Row

OPTIONS = b"options"
"""Key of the schema's metadata: a JSON object with everything the rows depend on."""


SYNC_SECONDS = 1.0
"""Seconds after which written rows are flushed to the disk."""


class JournalError(OSError):
    """A journal that cannot be resumed; the message is one line."""


class Journal:
    """The rows of a run, appended in batches; a context manager.

    Written rows survive the end of this process. They survive a power cut once more rows have been
    written :data:`SYNC_SECONDS` later.

    Args:
        path: path of the file.
        schema: the schema of the rows; its metadata has :data:`OPTIONS`.
        resume: continue the existing file after its last whole batch; otherwise start over.

    Attributes:
        rows, frames, faces: number of each; a frame without a face has one row.
        first, last: number and time of the first and the last frame; None without frames.

    Raises:
        JournalError: if the file has another schema or other options, which the message names, or is not a journal.
        OSError: if it cannot be written.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, resume: bool = False) -> None:
        self.path, self.schema = path, schema
        self.rows = self.frames = self.faces = self._end = 0
        self._synced = time.monotonic()
        self.first: tuple[int, float] | None = None
        self.last: tuple[int, float] | None = None
        if resume:
            self._find_end()
        self._file = path.open("r+b" if self._end else "wb", buffering=0)
        self._file.truncate(self._end)
        self._file.seek(self._end)
        if not self._end:
            self._append(schema.serialize())

    def write(self, rows: Sequence[Row]) -> None:
        """Append a batch of whole frames, in order.

        Raises:
            OSError: if it cannot be written; earlier batches are unchanged.
        """
        batch = pa.RecordBatch.from_pylist(rows, self.schema)
        self._append(batch.serialize())
        self._count(batch)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all whole batches, read from the file one by one."""
        with pa.OSFile(str(self.path)) as file:
            schema = pa.ipc.read_schema(file)
            while file.tell() < self._end:
                yield pa.ipc.read_record_batch(pa.ipc.read_message(file), schema)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if not self._file.closed:
            with suppress(OSError):
                os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, message: pa.Buffer) -> None:
        rest = memoryview(message)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]  # a nearly full disk accepts only a part
            if time.monotonic() - self._synced > SYNC_SECONDS:  # slow on some disks
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise
        self._end += len(message)

    def _count(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows == 0:
            return
        self.rows += batch.num_rows
        self.frames += len(batch["frame"].unique())
        self.faces += batch.num_rows - batch["face"].null_count
        first, self.last = ((batch["frame"][at].as_py(), batch["time"][at].as_py()) for at in (0, -1))
        self.first = self.first or first

    def _find_end(self) -> None:
        """Read the existing file, if any, up to its last whole batch."""
        if not self.path.exists():
            return
        with pa.OSFile(str(self.path)) as file:
            try:
                schema = pa.ipc.read_schema(file)
            except (pa.ArrowInvalid, EOFError, OSError):
                if self.path.stat().st_size >= len(self.schema.serialize()):
                    raise JournalError(f"{self.path}: not a run that can be resumed") from None
                return  # an earlier run was killed at its start
            refuse_others(self.path, schema, self.schema)
            self._end = file.tell()
            try:
                while True:
                    self._count(pa.ipc.read_record_batch(pa.ipc.read_message(file), schema))
                    self._end = file.tell()
            except (pa.ArrowInvalid, EOFError, OSError):
                return


def refuse_others(path: Path, before: pa.Schema, now: pa.Schema) -> None:
    """Compare the options of an earlier run, from the metadata of its schema, with those of this run.

    Raises:
        JournalError: if they differ; the message names those that do.
    """
    old, new = (_options(schema) for schema in (before, now))
    differ = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if differ:
        changes = ", ".join(f"{name} (was {_shown(old.get(name))}, is {_shown(new.get(name))})" for name in differ)
        raise JournalError(f"{path}: was started with other options: {changes}; use --overwrite to start over")
    if not before.equals(now):
        raise JournalError(f"{path}: was started with other columns; use --overwrite to start over")


def _options(schema: pa.Schema) -> dict[str, Any]:
    return dict(json.loads((schema.metadata or {}).get(OPTIONS, b"{}")))


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
