"""Preparation of a manifest that has rows but no pack: each row's face, or its whole picture, is packed once.

It works in processes and in shards (:mod:`mien.learn.data.manifest.shards`). Beside each shard lies a table of its rows: where
the face is, or why there is none. A shard whose table is there is done, whatever happened to the run that made it; the
new manifest takes the place of the old one at the very end, and the tables go. The rows are streamed from beginning to
end, so memory does not grow with their number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.learn.data.manifest.manifest import MANIFEST, PACK, ManifestError, read_metadata
from mien.learn.data.manifest.shards import SHARDS, shard_path
from mien.learn.data.manifest.write import rewrite
from mien.learn.data.pack.crops import SHARD, PackOptions, make
from mien.learn.data.pack.fallback_alignment import fill, median_landmarks
from mien.learn.data.pack.locate import SIDES, Pictures
from mien.learn.data.pack.write import Row
from mien.processes import cores, map_in_order

PLAN = "plan.json"
"""In the folder of the shards while they are made: what they are made from, and how."""

FAULTS = "prepare.faults.txt"
"""Beside the manifest: a line for each row that was left out."""

SCHEMA = pa.schema(
    [
        ("crop", pa.int64()),
        ("found", pa.bool_()),
        *((side, pa.float64()) for side in SIDES),
        ("landmarks", pa.list_(pa.float64())),
        ("fault", pa.string()),
    ]
)
"""The table of a shard: a row for each of the manifest's rows, see :func:`mien.learn.data.pack.crops.make`."""


@dataclass(frozen=True)
class Job:
    """Consecutive rows that one process prepares; those of a video are never divided.

    Args:
        shard: number of their first shard.
        row: number of their first row.
        rows: the columns that are needed of them.
    """

    shard: int
    row: int
    rows: tuple[Row, ...]

    def parts(self, shard: int) -> list[tuple[int, int, tuple[Row, ...]]]:
        """Number of each shard, number of its first row, rows: about ``shard`` of them, as even as they can be."""
        ends = np.linspace(0, len(self.rows), max(1, round(len(self.rows) / shard)) + 1).astype(int).tolist()
        return [
            (self.shard + k, self.row + start, self.rows[start:end]) for k, (start, end) in enumerate(pairwise(ends))
        ]


def unprepared(folder: Path) -> dict[str, Any] | None:
    """The facts of a manifest without a pack; None if it is prepared.

    Raises:
        ManifestError: if there is no manifest, or it is none.
    """
    path = folder / MANIFEST
    try:
        schema = pq.read_schema(path)
        metadata: dict[str, Any] = json.loads(schema.metadata[b"mien"])
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file; `mien data import` makes one") from None
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError):
        raise ManifestError(f"{path}: not a manifest of mien") from None
    if "path" not in schema.names or not pq.read_metadata(path).num_rows:
        raise ManifestError(f"{path}: there are no pictures to prepare")
    return None if "crop" in schema.names else metadata


def prepare_manifest(
    folder: Path, how: PackOptions, *, workers: int | None = None, advance: Callable[[int], None] = lambda _: None
) -> list[str]:
    """Prepare the manifest in a folder; return a line for each row that was left out, as they stand in FAULTS.

    Killed at any time and given again, it goes on and ends with the same files. Begun again with another ``how``, or
    another manifest, it starts anew.

    Args:
        folder: of the manifest; the shards go to ``crops`` in it.
        how: to find and pack.
        workers: processes; as many as there are cores if None.
        advance: called with the number of rows that are done, for a progress bar.

    Raises:
        ManifestError: if the manifest is prepared already or cannot be used, or no row has a face.
        OSError: if something cannot be written, or a process was killed.
    """
    metadata = unprepared(folder)
    if metadata is None:
        if (folder / SHARDS / PLAN).exists():  # killed between the last two steps
            return _tidy(folder)
        raise ManifestError(f"{folder / MANIFEST}: is prepared already; import it again to prepare it otherwise")
    _begin(folder, how)
    work = partial(_prepare, folder=folder, how=how)
    for done in map_in_order(work, _jobs(folder / MANIFEST, how.shard), workers or cores()):
        advance(done)
    if how.keep_unfound and (middle := median_landmarks(_parts(folder, "parquet"))) is not None:
        work = partial(_fill, folder=folder, how=how, middle=middle)
        for _ in map_in_order(work, _jobs(folder / MANIFEST, how.shard), workers or cores()):
            pass
    metadata |= {"side": how.side} if how.side else {}
    _merge(folder, metadata | {"prepared": asdict(how)}, how)
    return _tidy(folder)


def _begin(folder: Path, how: PackOptions) -> None:
    """Make the folder of the shards, unless it is of this very run."""
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    plan = json.dumps({"manifest": digest, **asdict(how)})
    place = folder / SHARDS / PLAN
    if place.is_file() and place.read_text() == plan:
        return
    (folder / SHARDS).mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    for path in _parts(folder, "npy", "parquet", "partial"):
        path.unlink()
    place.with_suffix(".partial").write_text(plan)
    place.with_suffix(".partial").replace(place)


def _jobs(path: Path, size: int) -> Iterator[Job]:
    wanted = {"path", "frame", *SIDES, "landmarks"}
    columns = [name for name in pq.read_schema(path).names if name in wanted]
    shard, begin, rows = 0, 0, list[Row]()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(size, columns=columns):
            for row in batch.to_pylist():
                if len(rows) >= size and row["path"] != rows[-1]["path"]:
                    yield (job := Job(shard, begin, tuple(rows)))
                    shard, begin, rows = shard + len(job.parts(size)), begin + len(rows), []
                rows.append(row)
    yield Job(shard, begin, tuple(rows))


def _prepare(job: Job, folder: Path, how: PackOptions) -> int:
    """The shards of a job, in a process of its own; how many rows there were."""
    pictures = Pictures(folder)
    for number, begin, rows in job.parts(how.shard):
        place = shard_path(folder / SHARDS, number)
        if not _table_path(folder, number).exists():
            shape = (len(rows), *how.shape)
            crops = np.lib.format.open_memmap(place.with_suffix(".partial"), mode="w+", dtype=np.uint8, shape=shape)
            found = [make(row, begin + index, crops[index], pictures, how) for index, row in enumerate(rows)]
            crops.flush()
            place.with_suffix(".partial").replace(place)
            _write(pa.Table.from_pylist(found, SCHEMA), _table_path(folder, number))
    return len(job.rows)


def _fill(job: Job, folder: Path, how: PackOptions, middle: Any) -> int:
    """Align what waits for the others' landmarks; how many rows there were."""
    for number, _, rows in job.parts(how.shard):
        path = _table_path(folder, number)
        table = pq.read_table(path)
        filled = fill(table, rows, shard_path(folder / SHARDS, number), middle, folder)
        if filled is not table:
            _write(filled, path)
    return len(job.rows)


def _merge(folder: Path, metadata: dict[str, Any], how: PackOptions) -> None:
    """Put the manifest of what was found into its place, and write down the faults."""
    path, faults = folder / MANIFEST, list[str]()
    old = pq.read_schema(path)
    made = ["crop"] if how.side else [name for name in SCHEMA.names if name != "fault"]
    fields = [*(field for field in old if field.name not in made), *(SCHEMA.field(name) for name in made)]
    schema = pa.schema(fields, {"mien": json.dumps(metadata)})
    empty = set(schema.names) - {"path"}  # columns that no row has a value for are left out
    fresh = path.with_suffix(".partial")
    with pq.ParquetFile(path) as file, pq.ParquetWriter(fresh, schema) as writer:
        for rows, found in _together(file, folder):
            kept = pc.is_null(found["fault"])
            faults += found["fault"].drop_null().to_pylist()
            columns = [found[field.name] if field.name in made else rows[field.name] for field in schema]
            part = pa.table(columns, schema=schema).filter(kept)
            empty -= {name for name in empty if part[name].null_count < len(part)}
            writer.write_table(part)
    total = pq.read_metadata(fresh).num_rows
    (folder / FAULTS).unlink(missing_ok=True)
    if faults:
        (folder / FAULTS).write_text("".join(f"{line}\n" for line in faults))
    if not total:
        fresh.unlink()
        what = "picture" if how.side else "face"
        raise ManifestError(f"{path}: no row has a {what} that can be used; the reasons are in {folder / FAULTS}")
    (folder / PACK).unlink(missing_ok=True)  # of a set that was here before
    _, tasks, sealed = read_metadata(fresh)
    rewrite(fresh, dict.fromkeys(empty), sealed, tasks)  # with checksums of what is there now
    fresh.replace(path)


def _together(file: Any, folder: Path) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The rows of the manifest and the rows of the shards' tables, piece by piece."""
    number, waiting = 0, SCHEMA.empty_table()
    for batch in file.iter_batches(SHARD):
        while len(waiting) < len(batch):
            waiting = pa.concat_tables([waiting, pq.read_table(_table_path(folder, number))])
            number += 1
        yield pa.Table.from_batches([batch]), waiting.slice(0, len(batch)).combine_chunks()
        waiting = waiting.slice(len(batch)).combine_chunks()


def _tidy(folder: Path) -> list[str]:
    """Leave the shards alone in their folder; the faults."""
    for path in _parts(folder, "parquet", "partial"):
        path.unlink()
    faults = (folder / FAULTS).read_text().splitlines() if (folder / FAULTS).exists() else []
    (folder / SHARDS / PLAN).unlink(missing_ok=True)
    return faults


def _parts(folder: Path, *endings: str) -> list[Path]:
    """Our own files in the folder of the shards."""
    return [path for ending in endings for path in (folder / SHARDS).glob(f"[0-9]*.{ending}")]


def _table_path(folder: Path, number: int) -> Path:
    return shard_path(folder / SHARDS, number).with_suffix(".parquet")


def _write(table: pa.Table, path: Path) -> None:
    """Whole or not at all."""
    pq.write_table(table, path.with_suffix(".rows.partial"))
    path.with_suffix(".rows.partial").replace(path)
