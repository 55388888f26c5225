"""Preparation of a manifest that has rows but no pack: each row's face is found, aligned and packed once.

It works in processes and in shards (:mod:`mien.learn.data.shards`). Beside each shard lies a table of its rows: where
the face is, or why there is none. A shard whose table is there is done, whatever happened to the run that made it; the
new manifest takes the place of the old one at the very end, and the tables go. The rows are streamed from beginning to
end, so memory does not grow with their number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mien.annotate.media import MediaError
from mien.faces.align import CROP, align
from mien.faces.detect import YuNet
from mien.learn.data.located import SIDES, Pictures, Use, locate
from mien.learn.data.manifest import MANIFEST, PACK, ManifestError, read_facts
from mien.learn.data.packing import Row
from mien.learn.data.prepare import WHOLE, Finder
from mien.learn.data.shards import SHARDS, shard_path
from mien.learn.data.writing import rewrite
from mien.learn.processes import cores, work_through

SHARD = 4096
"""Crops in a shard, about: 150 MB, and less than a minute's work."""

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
"""The table of a shard: a row for each of the manifest's rows; ``fault`` is null where there is a crop."""


@dataclass(frozen=True)
class How:
    """How faces are found and packed.

    Args:
        use: what of a row is used, see :func:`mien.learn.data.located.locate`.
        finder: of faces.
        grey: keep one channel only.
        shard: crops in a shard, about.
    """

    use: Use = "landmarks"
    finder: Finder = WHOLE
    grey: bool = False
    shard: int = SHARD


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
        facts: dict[str, Any] = json.loads(schema.metadata[b"mien"])
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file; `mien data import` makes one") from None
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError):
        raise ManifestError(f"{path}: not a manifest of mien") from None
    if "path" not in schema.names or not pq.read_metadata(path).num_rows:
        raise ManifestError(f"{path}: there are no pictures to prepare")
    return None if "crop" in schema.names else facts


def prepare_manifest(
    folder: Path, how: How, *, workers: int | None = None, advance: Callable[[int], None] = lambda _: None
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
    facts = unprepared(folder)
    if facts is None:
        if (folder / SHARDS / PLAN).exists():  # killed between the last two steps
            return _tidy(folder)
        raise ManifestError(f"{folder / MANIFEST}: is prepared already; import it again to prepare it otherwise")
    _begin(folder, how)
    work = partial(_prepare, folder=folder, how=how)
    for done in work_through(work, _jobs(folder / MANIFEST, how.shard), workers or cores()):
        advance(done)
    _merge(folder, facts | {"prepared": asdict(how)})
    return _tidy(folder)


def _begin(folder: Path, how: How) -> None:
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


def _prepare(job: Job, folder: Path, how: How) -> int:
    """The shards of a job, in a process of its own; how many rows there were."""
    pictures = Pictures(folder)
    for number, begin, rows in job.parts(how.shard):
        place = shard_path(folder / SHARDS, number)
        if not _table_path(folder, number).exists():
            shape = (len(rows), CROP, CROP, 1 if how.grey else 3)
            crops = np.lib.format.open_memmap(place.with_suffix(".partial"), mode="w+", dtype=np.uint8, shape=shape)
            found = [_one(row, begin + index, crops[index], pictures, how) for index, row in enumerate(rows)]
            crops.flush()
            place.with_suffix(".partial").replace(place)
            _write(pa.Table.from_pylist(found, SCHEMA), _table_path(folder, number))
    return len(job.rows)


def _one(row: Row, crop: int, out: Any, pictures: Pictures, how: How) -> Row:
    """Put a row's crop into its place; the row of the shard's table."""
    try:
        if row["path"] is None:
            raise MediaError("the row has no path")
        image = pictures(row)
        place = locate(image, row, how.use, how.finder, _detectors(how.finder))
        out[:] = align(image, place.landmarks)[..., : out.shape[-1]]
    except (MediaError, OSError, ValueError) as error:
        frame = "" if row.get("frame") is None else f" frame {row['frame']}"
        reason = str(error).removeprefix(f"frame {row.get('frame')}: ")
        return {"fault": " ".join(f"{row['path']}{frame}: {reason}".split())}
    box = place.box or [None] * 4
    sides = dict(zip(SIDES, box, strict=True))
    return {"crop": crop, "found": True, **sides, "landmarks": place.landmarks.astype(float).ravel().tolist()}


@cache
def _detectors(finder: Finder) -> list[YuNet]:
    """Made once in a process."""
    return finder.detectors()


def _merge(folder: Path, facts: dict[str, Any]) -> None:
    """Put the manifest of what was found into its place, and write down the faults."""
    path, faults = folder / MANIFEST, list[str]()
    old = pq.read_schema(path)
    fields = [*(field for field in old if field.name not in SCHEMA.names), *(SCHEMA.field(i) for i in range(7))]
    schema = pa.schema(fields, {"mien": json.dumps(facts)})
    fresh = path.with_suffix(".partial")
    with pq.ParquetFile(path) as file, pq.ParquetWriter(fresh, schema) as writer:
        for rows, found in _together(file, folder):
            kept = pc.is_null(found["fault"])
            faults += found["fault"].drop_null().to_pylist()
            columns = [found[field.name] if field.name in SCHEMA.names else rows[field.name] for field in schema]
            writer.write_table(pa.table(columns, schema=schema).filter(kept))
    total = pq.read_metadata(fresh).num_rows
    (folder / FAULTS).unlink(missing_ok=True)
    if faults:
        (folder / FAULTS).write_text("".join(f"{line}\n" for line in faults))
    if not total:
        fresh.unlink()
        raise ManifestError(f"{path}: no row has a face that can be used; the reasons are in {folder / FAULTS}")
    (folder / PACK).unlink(missing_ok=True)  # of a set that was here before
    _, tasks, sealed = read_facts(fresh)
    rewrite(fresh, {}, sealed, tasks)  # with checksums of what is there now
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
