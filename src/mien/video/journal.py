"""What a run has done so far, on disk: rows appended batch by batch, and read back whatever killed the run.

The file is an Arrow IPC stream without its end: the schema, then one message a batch. A kill tears at most the last
message; what stands before it is whole.
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
"""Key of the schema's metadata: a JSON object of all that the rows depend on."""


SYNC = 1.0
"""Seconds after which what was written is forced to the disk."""


class JournalError(OSError):
    """A journal that cannot be gone on with; the message is one line."""


class Journal:
    """Rows of one run, appended in batches; a context manager.

    What :meth:`write` was given survives the end of this process. It survives a power cut too when :data:`SYNC` seconds
    have passed and more was written.

    Args:
        path: of the file.
        schema: of the rows; its metadata has :data:`OPTIONS`.
        resume: go on with the file that is there, behind its last whole batch; otherwise it is begun anew.

    Attributes:
        rows, frames, faces: how many it has; one row of a frame without a face.
        first, last: number and time of the first and of the last frame; None if there is none.

    Raises:
        JournalError: if it was written with another schema or other options, which are named, or is no journal.
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
        """Append one batch: whole frames, in their order.

        Raises:
            OSError: if it cannot be written; what stood there before still does.
        """
        batch = pa.RecordBatch.from_pylist(rows, self.schema)
        self._append(batch.serialize())
        self._count(batch)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All whole batches, read from the file one by one."""
        with pa.OSFile(str(self.path)) as file:
            schema = pa.ipc.read_schema(file)
            while file.tell() < self._end:
                yield pa.ipc.read_record_batch(pa.ipc.read_message(file), schema)

    def close(self) -> None:
        """Close the file, which stays; a second call does nothing."""
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
                rest = rest[self._file.write(rest) :]  # a disk that is nearly full takes a part
            if time.monotonic() - self._synced > SYNC:  # for some disks that is long work
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
        """Read up to the last whole batch of the file that is there, if any."""
        if not self.path.exists():
            return
        with pa.OSFile(str(self.path)) as file:
            try:
                schema = pa.ipc.read_schema(file)
            except (pa.ArrowInvalid, EOFError, OSError):
                if self.path.stat().st_size >= len(self.schema.serialize()):
                    raise JournalError(f"{self.path}: is not a run that can be gone on with") from None
                return  # killed as it began
            refuse_others(self.path, schema, self.schema)
            self._end = file.tell()
            try:
                while True:
                    self._count(pa.ipc.read_record_batch(pa.ipc.read_message(file), schema))
                    self._end = file.tell()
            except (pa.ArrowInvalid, EOFError, OSError):
                return


def refuse_others(path: Path, before: pa.Schema, now: pa.Schema) -> None:
    """Compare the options of an earlier run, in the metadata of what it wrote, with those of this one.

    Raises:
        JournalError: if any differ; the message names them.
    """
    old, new = (_options(schema) for schema in (before, now))
    differ = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if differ:
        changes = ", ".join(f"{name} (was {_shown(old.get(name))}, is {_shown(new.get(name))})" for name in differ)
        raise JournalError(f"{path}: was begun with another {changes}; --overwrite begins anew")
    if not before.equals(now):
        raise JournalError(f"{path}: was begun with other columns; --overwrite begins anew")


def _options(schema: pa.Schema) -> dict[str, Any]:
    return dict(json.loads((schema.metadata or {}).get(OPTIONS, b"{}")))


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
