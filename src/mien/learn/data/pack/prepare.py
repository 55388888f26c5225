"""Prepare a whole manifest that has rows but no pack: make each row's crop in worker processes and store it in shards.

Next to each shard is a table of its rows: the position of each face, or the reason why there is none. A shard whose
table exists is complete, however the run that made it ended. At the end the new manifest replaces the old one, and the
tables are deleted. Rows are streamed from start to end, so memory does not grow with their number.
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
from numpy.typing import NDArray

from mien.atomic import replace_text, replacing
from mien.learn.data.manifest import read_metadata
from mien.learn.data.manifest.columns import BOX, MANIFEST, PACK, ManifestError, Row
from mien.learn.data.manifest.shards import SHARDS, shard_path
from mien.learn.data.manifest.write import rewrite
from mien.learn.data.pack.crops import SHARD, PackOptions, make_crop
from mien.learn.data.pack.fallback_alignment import align_unfound, median_landmarks
from mien.learn.data.pack.locate import Pictures, ReadPicture
from mien.processes import cores, map_in_order

PLAN = "plan.json"
"""File in the folder of unfinished shards: the manifest that they are made from, and the options."""

ERRORS = "prepare.errors.txt"
"""File next to the manifest: one line per skipped row."""

EARLIER = "prepare.faults.txt"
"""The name of the same file in earlier versions of mien; a new preparation removes it."""

SCHEMA = pa.schema(
    [
        ("crop", pa.int64()),
        ("found", pa.bool_()),
        *((side, pa.float64()) for side in BOX),
        ("landmarks", pa.list_(pa.float64())),
        ("problem", pa.string()),
    ]
)
"""The table of a shard: one row per row of the manifest, see :func:`mien.learn.data.pack.crops.make_crop`."""


@dataclass(frozen=True)
class RowBlock:
    """Consecutive rows that one process prepares; rows of one picture or video are never divided.

    Args:
        shard: number of the first shard.
        row: number of the first row.
        rows: the required columns of the rows.
    """

    shard: int
    row: int
    rows: tuple[Row, ...]

    def split(self, size: int) -> list[tuple[int, int, tuple[Row, ...]]]:
        """The block's shards of about ``size`` rows, as even as possible: number, number of the first row, rows."""
        ends = np.linspace(0, len(self.rows), max(1, round(len(self.rows) / size)) + 1).astype(int).tolist()
        return [
            (self.shard + k, self.row + start, self.rows[start:end]) for k, (start, end) in enumerate(pairwise(ends))
        ]


def read_unprepared(folder: Path) -> dict[str, Any] | None:
    """The metadata of the manifest in a folder if it has no pack yet; None if it is prepared.

    Raises:
        ManifestError: if there is no usable manifest.
    """
    path = folder / MANIFEST
    try:
        schema = pq.read_schema(path)
        metadata: dict[str, Any] = json.loads(schema.metadata[b"mien"])
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such file; `mien data import` creates one") from None
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError):
        raise ManifestError(f"{path}: not a mien manifest") from None
    if "path" not in schema.names or not pq.read_metadata(path).num_rows:
        raise ManifestError(f"{path}: no pictures to prepare")
    return None if "crop" in schema.names else metadata


def prepare_manifest(
    folder: Path,
    options: PackOptions,
    *,
    picture: ReadPicture | None = None,
    workers: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Prepare the manifest in a folder; return one line per skipped row, the lines of :data:`ERRORS`.

    A run that was killed continues when it is repeated, and ends with byte-identical files. With other options or
    another manifest it starts over.

    Args:
        folder: the manifest's folder; the shards are written to its subfolder ``crops``.
        options: how faces are located and packed.
        picture: reads the pictures of rows, for data sets whose pictures are not in files; a module-level function, so
            that it can be passed to worker processes. It receives ``path``, ``frame``, box and landmarks of a row.
        workers: number of processes; None is one per core. A single block runs in this process.
        advance: called with the number of finished rows, for a progress bar.

    Raises:
        ManifestError: if the manifest is unusable or already prepared, or no row has a face.
        OSError: if something cannot be written, or a process was killed.
    """
    metadata = read_unprepared(folder)
    if metadata is None:
        if (folder / SHARDS / PLAN).exists():  # killed between the last two steps
            return _tidy(folder)
        raise ManifestError(f"{folder / MANIFEST}: already prepared; import it again to prepare it with other options")
    _start(folder, options)
    run = partial(_run, folder=folder, options=options, workers=workers or cores())
    for done in run(partial(_make_shards, folder=folder, options=options, picture=picture)):
        advance(done)
    if options.keep_unfound and (landmarks := median_landmarks(_files(folder, "parquet"))) is not None:
        fill = partial(_fill_shards, folder=folder, options=options, picture=picture, landmarks=landmarks)
        for _ in run(fill):
            pass
    metadata |= {"side": options.side} if options.side else {}
    _replace_manifest(folder, metadata | {"prepared": asdict(options)}, options)
    return _tidy(folder)


def _run(work: Callable[[RowBlock], int], folder: Path, options: PackOptions, workers: int) -> Iterator[int]:
    """Run the work on every block, in at most as many processes as there are blocks."""
    path = folder / MANIFEST
    blocks = -(-pq.read_metadata(path).num_rows // options.shard)
    yield from map_in_order(work, _read_blocks(path, options.shard), min(workers, blocks))


def _start(folder: Path, options: PackOptions) -> None:
    """Empty the folder of the shards, unless they belong to this run."""
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    plan = json.dumps({"manifest": digest, "columns": SCHEMA.names, **asdict(options)})
    place = folder / SHARDS / PLAN
    if place.is_file() and place.read_text() == plan:
        return
    (folder / SHARDS).mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    for path in _files(folder, "npy", "parquet", "partial"):
        path.unlink()
    replace_text(place, plan)


def _read_blocks(path: Path, size: int) -> Iterator[RowBlock]:
    """Jobs of at least ``size`` rows; the last one may be shorter."""
    wanted = {"path", "frame", *BOX, "landmarks"}
    columns = [name for name in pq.read_schema(path).names if name in wanted]
    shard, first, rows = 0, 0, list[Row]()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(size, columns=columns):
            for row in batch.to_pylist():
                if len(rows) >= size and row["path"] != rows[-1]["path"]:
                    yield (block := RowBlock(shard, first, tuple(rows)))
                    shard, first, rows = shard + len(block.split(size)), first + len(rows), []
                rows.append(row)
    yield RowBlock(shard, first, tuple(rows))


def _make_shards(block: RowBlock, folder: Path, options: PackOptions, picture: ReadPicture | None) -> int:
    """Write the missing shards of a block; return its number of rows."""
    pictures = Pictures(folder, picture)
    for number, first, rows in block.split(options.shard):
        place = shard_path(folder / SHARDS, number)
        if not _table_path(folder, number).exists():
            shape = (len(rows), *options.shape)
            with replacing(place) as partial:
                crops = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
                made = [make_crop(row, first + k, crops[k], pictures, options) for k, row in enumerate(rows)]
                crops.flush()
            _write_table(pa.Table.from_pylist(made, SCHEMA), _table_path(folder, number))
    return len(block.rows)


def _fill_shards(
    block: RowBlock, folder: Path, options: PackOptions, picture: ReadPicture | None, landmarks: NDArray[np.float32]
) -> int:
    """Align the pictures that need the landmarks of the others; return the block's number of rows."""
    pictures = Pictures(folder, picture)
    for number, _, rows in block.split(options.shard):
        path = _table_path(folder, number)
        table = pq.read_table(path)
        filled = align_unfound(table, rows, shard_path(folder / SHARDS, number), landmarks, pictures)
        if filled is not table:
            _write_table(filled, path)
    return len(block.rows)


def _replace_manifest(folder: Path, metadata: dict[str, Any], options: PackOptions) -> None:
    """Replace the manifest by one of the rows that have a crop, and write :data:`ERRORS`."""
    path = folder / MANIFEST
    with replacing(path) as fresh:
        empty, problems = _merge_tables(folder, fresh, metadata, options)
        for stale in (ERRORS, EARLIER):
            (folder / stale).unlink(missing_ok=True)
        if problems:
            (folder / ERRORS).write_text("".join(f"{line}\n" for line in problems))
        if not pq.read_metadata(fresh).num_rows:
            what = "picture" if options.side else "face"
            raise ManifestError(f"{path}: no row has a usable {what}; the reasons are in {folder / ERRORS}")
        (folder / PACK).unlink(missing_ok=True)  # left by an earlier set
        _, tasks, sealed = read_metadata(fresh)
        rewrite(fresh, dict.fromkeys(empty), sealed, tasks)  # with checksums of the new pack


def _merge_tables(
    folder: Path, out: Path, metadata: dict[str, Any], options: PackOptions
) -> tuple[set[str], list[str]]:
    """Write the manifest's rows that have a crop; return the columns without any value, and the problems."""
    path, problems = folder / MANIFEST, list[str]()
    old = pq.read_schema(path)
    made = ["crop"] if options.side else [name for name in SCHEMA.names if name != "problem"]
    fields = [*(field for field in old if field.name not in made), *(SCHEMA.field(name) for name in made)]
    schema = pa.schema(fields, {"mien": json.dumps(metadata)})
    empty = set(schema.names) - {"path"}
    with pq.ParquetFile(path) as file, pq.ParquetWriter(out, schema) as writer:
        for rows, found in _read_together(file, folder):
            problems += found["problem"].drop_null().to_pylist()
            columns = [found[field.name] if field.name in made else rows[field.name] for field in schema]
            part = pa.table(columns, schema=schema).filter(pc.is_null(found["problem"]))
            empty -= {name for name in empty if part[name].null_count < len(part)}
            writer.write_table(part)
    return empty, problems


def _read_together(file: Any, folder: Path) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield corresponding rows of the manifest and of the shards' tables, piece by piece."""
    number, waiting = 0, SCHEMA.empty_table()
    for batch in file.iter_batches(SHARD):
        while len(waiting) < len(batch):
            waiting = pa.concat_tables([waiting, pq.read_table(_table_path(folder, number))])
            number += 1
        yield pa.Table.from_batches([batch]), waiting.slice(0, len(batch)).combine_chunks()
        waiting = waiting.slice(len(batch)).combine_chunks()


def _tidy(folder: Path) -> list[str]:
    """Delete the working files, which leaves only the shards in their folder; return the problems."""
    for path in _files(folder, "parquet", "partial"):
        path.unlink()
    problems = (folder / ERRORS).read_text().splitlines() if (folder / ERRORS).exists() else []
    (folder / SHARDS / PLAN).unlink(missing_ok=True)
    return problems


def _files(folder: Path, *endings: str) -> list[Path]:
    """The files that we wrote into the folder of the shards."""
    return [path for ending in endings for path in (folder / SHARDS).glob(f"[0-9]*.{ending}")]


def _table_path(folder: Path, number: int) -> Path:
    return shard_path(folder / SHARDS, number).with_suffix(".parquet")


def _write_table(table: pa.Table, path: Path) -> None:
    """Write a table atomically."""
    with replacing(path) as partial:
        pq.write_table(table, partial)
