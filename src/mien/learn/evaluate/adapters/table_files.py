"""Tables as columns, from any tool and in four formats: CSV, Parquet, JSON and JSON lines."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".json", ".jsonl")

MISSING = ("", "nan", "NaN", "NA", "None", "null")
"""Cells without a value."""

NUMBERED = re.compile(r"\d+$")
"""The number of the face, at the end of a column's name in tables with one row per frame."""


def is_table(path: Path) -> bool:
    """Whether a path is that of a table, by its suffix."""
    return path.name.lower().endswith(SUFFIXES)


def stem(path: Path) -> str:
    """The name of a table without its suffix."""
    return path.name[: -len(next(suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)))]


def names(path: Path) -> list[str]:
    """The columns of a table; if it has one row per frame, those of one face, without the number."""
    return list(dict.fromkeys(_bare(_written(path)).values()))


def columns(path: Path, wanted: Collection[str]) -> dict[str, Any]:
    """The wanted columns that a table has, as Arrow arrays with one row per face.

    In a table with the columns ``box0``, ``box1`` ..., each row is a frame, and names of columns end in the number of
    the face. Without a column ``frame``, the frame is the number of the row.

    Raises:
        ValueError, pyarrow.ArrowException: if the file is damaged.
        OSError: if it cannot be opened.
    """
    written = _written(path)
    bare = _bare(written)
    table = _table(path, written, [name for name in written if bare[name] in wanted])
    found = {name.strip(): table[name].combine_chunks() for name in table.column_names}
    return _unrolled(found, table.num_rows) if "box0" in found else found


def numbers(cells: Any, column: str) -> NDArray[np.float64]:
    """A column as numbers, NaN where missing.

    Raises:
        ValueError: if it holds anything else.
    """
    if pa.types.is_string(cells.type):
        cells = pc.utf8_trim_whitespace(cells)
        cells = pc.if_else(pc.is_in(cells, pa.array(MISSING)), pa.scalar(None, pa.string()), cells)
    try:
        return np.array(pc.fill_null(cells.cast(pa.float64()), np.nan))
    except pa.ArrowInvalid as error:
        raise ValueError(f"column {column}: {error}") from None


def _written(path: Path) -> list[str]:
    """The names of the columns as they are in the file."""
    if path.suffix == ".parquet":
        return list(pq.read_schema(path).names)
    if path.suffix in (".json", ".jsonl"):
        return list(dict.fromkeys(name for row in _objects(path) for name in row))
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        return next(csv.reader([stream.readline().decode("utf-8-sig")]), [])


def _bare(written: list[str]) -> dict[str, str]:
    """Written name -> name without surrounding spaces and without the number of a face."""
    wide = "box0" in (name.strip() for name in written)
    return {name: NUMBERED.sub("", name.strip()) if wide else name.strip() for name in written}


def _unrolled(found: Mapping[str, Any], rows: int) -> dict[str, Any]:
    own = {name: cells for name, cells in found.items() if not NUMBERED.search(name)}
    own.setdefault("frame", pa.array(range(rows), pa.int64()))
    faces = sorted({int(number[0]) for name in found if (number := NUMBERED.search(name))})
    bases = sorted({NUMBERED.sub("", name) for name in found if name not in own})
    empty = pa.nulls(rows, pa.string())
    whole = {base: pa.concat_arrays([found.get(f"{base}{face}", empty) for face in faces]) for base in bases}
    return {name: pa.concat_arrays([cells] * len(faces)) for name, cells in own.items()} | whole


def _table(path: Path, written: list[str], wanted: list[str]) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path, columns=wanted)
    if path.suffix in (".json", ".jsonl"):
        rows = list(_objects(path))
        return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in wanted})
    if twice := [name for name in wanted if written.count(name) > 1]:
        raise ValueError(f"duplicate column {twice[0]}")
    convert = pyarrow.csv.ConvertOptions(
        include_columns=wanted,
        column_types=dict.fromkeys(wanted, pa.string()),
        null_values=list(MISSING),
        strings_can_be_null=True,
    )
    with pa.input_stream(str(path), compression="detect") as stream:
        return pyarrow.csv.read_csv(stream, convert_options=convert)


def _objects(path: Path) -> Iterator[dict[str, str]]:
    """One object per face, from JSON lines, a list, or a mapping from pictures to their faces."""
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".jsonl":
        yield from (_flat(json.loads(line)) for line in text.splitlines() if line.strip())
        return
    data = json.loads(text)
    for picture, faces in data.items() if isinstance(data, dict) else [(None, data)]:
        for face in faces if isinstance(faces, list) else [faces]:
            if not isinstance(face, dict):
                raise ValueError("expected a list of faces, or a mapping from pictures to their faces")
            yield _flat(face) | ({} if picture is None else {"path": str(picture)})


def _flat(face: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """One level of names, nested ones joined by dots; all values as text."""
    found: dict[str, str] = {}
    for name, value in face.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
        elif value is not None:
            found[f"{before}{name}"] = str(value)
    return found
