"""Check a manifest for errors: one line for each kind of error, with its first row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from mien.learn.data.manifest.checksums import label_checksum, pack_checksum
from mien.learn.data.manifest.codes import Codes, codes, column_codes, paired, video_codes
from mien.learn.data.manifest.columns import BOX, PACK, ManifestError
from mien.learn.data.manifest.pack import read_pack
from mien.learn.data.manifest.read import outside_pack, read_metadata
from mien.learn.data.manifest.rules import broken
from mien.media.picture import VIDEOS
from mien.tasks import Task

SPLITS = ("train", "valid", "test", "all")

Advance = Callable[[int], None]


def check_manifest(
    path: Path | str, *, files: bool = False, pictures: bool = False, advance: Advance = lambda _: None
) -> Iterator[str]:
    """One line for each kind of error in a manifest and its pack; none if there are no errors.

    Cells are read one row group at a time; checks across rows need a few numbers per row.

    Args:
        path: the manifest, or the folder that holds it.
        files: also check that the pictures exist and contain their boxes; this opens each picture.
        pictures: also check that no picture is in two splits, by the bytes of its crop, or of its file if there are no
            crops; this reads all of them.
        advance: called with the number of finished rows while files or pictures are read.

    Raises:
        ManifestError: if the file is not a manifest.

    Example:
        >>> for line in check_manifest("build/own", files=True):  # doctest: +SKIP
        ...     print(line)
    """
    path, tasks, metadata = read_metadata(path)
    names = pq.read_schema(path).names
    with pq.ParquetFile(path) as file:
        if not file.metadata.num_rows:
            yield f"{path}: has no rows"
            return
        yield from _cells(path, file, tasks)
        yield from _checksum(path, file, tasks, metadata)
    if missing := [name for name in ("path", "split") if name not in names]:
        yield f"{path}: has no column {' and no column '.join(missing)}"
        return
    yield from _splits(path)
    yield from _duplicates(path, [name for name in ("path", "frame", *BOX) if name in names])
    if "crop" in names:
        yield from _pack(path, metadata)
    if files:
        yield from _files(path, [name for name in BOX if name in names], advance)
    if pictures:
        yield from _same_pictures(path, "crop" in names, advance)


def _cells(path: Path, file: Any, tasks: Sequence[Task]) -> Iterator[str]:
    """Types, ranges, vocabularies, shares, boxes and landmarks: the first row of each error, and the number of rows."""
    found: dict[tuple[str, str], list[Any]] = {}
    first = 0
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        try:
            for wrong in broken(path, table, tasks):
                entry = found.setdefault((wrong.column, wrong.reason), [wrong.line(path, table, first), 0])
                entry[1] += len(wrong.rows)
        except ManifestError as error:
            yield str(error)
            return
        first += table.num_rows
    for line, count in found.values():
        head, _, tail = line.rpartition(" such rows)")
        yield f"{head[: head.rindex('(') + 1]}{count} such rows){tail}"


def _checksum(path: Path, file: Any, tasks: Sequence[Task], metadata: dict[str, Any]) -> Iterator[str]:
    wanted = metadata.get("checksum", {}).get("labels")
    if wanted is None:
        return
    groups = (file.read_row_group(group) for group in range(file.num_row_groups))
    if label_checksum(groups, tasks) != wanted:
        yield f"{path}: the labels were changed by another program (checksum)"


def _splits(path: Path) -> Iterator[str]:
    """Unknown splits, and people and videos in more than one split."""
    there = pq.read_schema(path).names
    names = [name for name in ("split", "dataset", "subject", "video") if name in there]
    table = pq.read_table(path, columns=[*names, "path"] if "video" in names else names)
    known = pc.is_in(table["split"].cast(pa.string()), pa.array(SPLITS))
    if (rows := np.flatnonzero(~np.asarray(known))).size:
        value = table["split"][int(rows[0])].as_py()
        yield f"{path}: row {rows[0]}: split {value!r} is not one of {', '.join(SPLITS)} ({rows.size} such rows)"
    splits = column_codes(table["split"])
    for name in ("subject", "video"):
        if name not in names or pa.types.is_null(table[name].type):
            continue
        members = video_codes(table) if name == "video" else codes(table, ("dataset", "subject"))
        members[np.asarray(pc.is_null(table[name]))] = -1
        shared = _in_several(members, splits)
        if shared.size:
            row = int(np.flatnonzero(members == shared[0])[0])
            where = pc.unique(table["split"].filter(pa.array(members == shared[0]))).to_pylist()
            which = f"{name} {table[name][row].as_py()!r} is in the splits {' and '.join(map(str, where))}"
            yield f"{path}: row {row}: {which} ({shared.size} such {name}s)"


def _in_several(members: Codes, splits: Codes) -> NDArray[np.int64]:
    """The groups, numbered from 0, whose rows are in more than one split."""
    pairs = np.unique(np.stack([members, splits]), axis=1)[0]
    found, counts = np.unique(pairs, return_counts=True)
    return np.asarray(found[(counts > 1) & (found >= 0)])


def _duplicates(path: Path, names: Sequence[str]) -> Iterator[str]:
    """Rows with the same picture, frame and box."""
    found: Codes | None = None
    for name in names:  # one column at a time: paths are long
        column = pq.read_table(path, columns=[name])[name]
        found = column_codes(column) if found is None else paired(found, column_codes(column))
    if found is None:
        return
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(inverse)))
    if again.size:
        row, earlier = int(again[0]), int(first[inverse[again[0]]])
        picture = pq.read_table(path, columns=["path"])["path"][row]
        same = f"has the same {', '.join(names)} as row {earlier}"
        yield f"{path}: row {row}: {same} ({again.size} such rows); the first: {picture}"


def _pack(path: Path, metadata: dict[str, Any]) -> Iterator[str]:
    """Crops outside the pack, crops shared by two rows, and a pack that belongs to another manifest."""
    place = path.with_name(PACK)
    try:
        pack = read_pack(place)
        table = pq.read_table(path, columns=["crop"])
        yield from (wrong.line(path, table) for wrong in outside_pack(path, table, len(pack)))
    except ManifestError as error:
        yield str(error)
        return
    crops = np.asarray(pc.fill_null(table["crop"], -1).to_numpy())
    _, first, inverse = np.unique(crops, return_index=True, return_inverse=True)
    if (again := np.flatnonzero(first[inverse] != np.arange(len(crops)))).size:
        row = int(again[0])
        yield f"{path}: row {row}: has the same crop {crops[row]} as row {first[inverse[row]]} ({again.size} such rows)"
    wanted = metadata.get("checksum", {}).get("pack")
    if wanted is not None and pack_checksum(place) != wanted:
        yield f"{place}: not the pack that belongs to the manifest (checksum)"


def _files(path: Path, box: Sequence[str], advance: Advance) -> Iterator[str]:
    """Pictures that are missing or cannot be opened, and boxes that start outside their picture."""
    table = pq.read_table(path, columns=["path", *box])
    coded = table["path"].combine_chunks().dictionary_encode()
    of_row = np.asarray(pc.fill_null(coded.indices, -1))
    sizes = np.full((len(coded.dictionary), 2), np.inf)
    reasons: dict[str, list[str]] = {}
    for index, name in enumerate(coded.dictionary.to_pylist()):
        try:
            sizes[index] = _size(path.parent / name)
        except OSError as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else "cannot be opened"
            reasons.setdefault(reason, []).append(name)
        advance(1)
    for reason, names in reasons.items():
        yield f"{path}: {names[0]}: {reason} ({len(names)} such pictures)"
    for corner, axis in (("x", 0), ("y", 1)):
        if corner in box and not pa.types.is_null(table[corner].type):
            values = np.asarray(table[corner].cast(pa.float64()).to_numpy())
            if (rows := np.flatnonzero(values >= sizes[of_row, axis])).size:
                row, limit = int(rows[0]), sizes[of_row[rows[0]], axis]
                reason = f"is outside the picture, which ends at {limit:g}"
                yield f"{path}: row {row}: {corner} {values[row]:g} {reason} ({rows.size} such rows)"


def _size(path: Path) -> tuple[float, float]:
    """Width and height in pixels from the header of a file; infinite for a video."""
    if path.suffix.lower() in VIDEOS:
        path.stat()
        return np.inf, np.inf
    with Image.open(path) as picture:
        width, height = picture.size
        turned = picture.getexif().get(0x0112, 1) >= 5  # stored sideways
    return (height, width) if turned else (width, height)


def _same_pictures(path: Path, packed: bool, advance: Advance) -> Iterator[str]:
    """Pictures with the same bytes in more than one split."""
    table = pq.read_table(path, columns=["path", "split", *(["crop"] if packed else [])])
    splits = column_codes(table["split"])
    paths = table["path"].to_pylist()
    pack = read_pack(path.with_name(PACK)) if packed else None
    crops = np.asarray(table["crop"].to_numpy()) if packed else None
    seen: dict[bytes, int] = {}
    members = np.full(table.num_rows, -1, np.int64)
    read: dict[str, bytes | None] = {}
    for row, name in enumerate(paths):
        if pack is not None and crops is not None:
            content: bytes | None = hashlib.sha256(np.ascontiguousarray(pack[int(crops[row])]).tobytes()).digest()
        else:
            content = read[name] = read[name] if name in read else _digest(path.parent / name)
        if content is not None:
            members[row] = seen.setdefault(content, len(seen))
        advance(1)
    shared = _in_several(members, splits)
    if shared.size:
        rows = np.flatnonzero(members == shared[0])
        other = int(rows[splits[rows] != splits[rows[0]]][0])
        one, two = (f"row {row} ({paths[row]}, {table['split'][row]})" for row in (int(rows[0]), other))
        yield f"{path}: {one} and {two} are the same picture in two splits ({shared.size} such pictures)"


def _digest(path: Path) -> bytes | None:
    """The digest of a file; None if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None
