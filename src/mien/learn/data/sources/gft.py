"""GFT, the Sayette Group Formation Task database (Girard et al. 2017): 96 people in groups of three, a minute each.

Expected: a table of presence for each person, in whatever folder, its name beginning with the person's, such as
``001A.csv`` or ``001A_AU.txt``: a head with the frame and the units, then a row a frame; 1 and 0, and -1, 9 or -999
where a frame is not coded. And the videos, ``001A.mp4`` (or ``.avi`` and so on), or photos of all frames in a folder
``001A``, ``1.jpg`` and on. The tables may lie in folders ``train`` and ``test``.

The tables are published by themselves (osf.io/7wcyz, CC BY 4.0), the videos by agreement. What is told here of the
tables' names and head is from memory: the reader goes by what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.au_coding import occurrences
from mien.learn.data.sources.shared.copies import Shelf, subject_splits, walk
from mien.learn.data.sources.shared.files import Fault
from mien.media.picture import SUFFIXES, VIDEOS
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "Sayette GFT Spontaneous Facial Expression Database (Girard et al. 2017)",
    "licence": "codes CC BY 4.0; videos by agreement with the University of Pittsburgh, for research: local use only",
    "release": "frame-level codes of occurrence and videos",
}

PERSON = re.compile(r"(\d{3}[A-C])(?![0-9A-Za-z])", re.IGNORECASE)

TABLES = (".csv", ".txt", ".tsv", ".gz")

MISSING = (-1, 9, -999, 999)

RATE = 30.0
"""Frames a second: 1,800 frames are a minute."""


def read(root: Path, fault: Fault, *, subjects: Path | None = None, first: int | None = None) -> Iterator[Row]:
    """A row for each coded frame of each person, with the frame of the video or its photo.

    A frame in which no unit is coded has no row. Splits are those of folders ``train`` and ``test`` around the tables,
    all if there are none; the official list of 78 people for training and 18 for testing is not known here.

    Args:
        root: of the data set, whatever the folders in it are called.
        fault: told what cannot be used.
        subjects: a text file with lines ``001A train``, which goes before the folders.
        first: the number of the photo that shows frame 1. By itself: 0 if a person has a photo 0, and 1 if not.

    Raises:
        FileNotFoundError: if no file has a person's name.
    """
    tables, videos, photos = _places(root)
    if not tables:
        raise FileNotFoundError(f"{root}: not the folder of GFT: no table such as 001A.csv found")
    splits = subject_splits(subjects, fault) if subjects is not None else {}
    shelf = Shelf()
    for person, table in tables.items():
        split = splits.get(person, _split(root, table) if not splits else "all")
        if person not in videos and person not in photos:
            fault(f"{table}: neither a video {person} nor a folder {person} of photos found")
            continue
        numbered = shelf.numbered(photos[person]) if person in photos else {}
        start = first if first is not None else int(0 not in numbered)
        for frame, units in occurrences(table, fault, missing=MISSING):
            if all(value is None for value in units.values()):
                continue
            path = numbered.get(frame - 1 + start) if person in photos else videos[person]
            if path is None:
                fault(f"{table}: frame {frame}: {photos[person]} has no photo {frame - 1 + start}")
                continue
            metadata: Row = {"path": str(path), "split": split, "dataset": "gft", "subject": person, "video": person}
            yield {**metadata, "frame": frame - 1, "timestamp": (frame - 1) / RATE, **units}


def _places(root: Path) -> tuple[dict[str, Path], dict[str, Path], dict[str, Path]]:
    """Person -> table, video, folder of photos; the first of each that is found."""
    tables: dict[str, Path] = {}
    videos: dict[str, Path] = {}
    photos: dict[str, Path] = {}
    for folder, files in walk(root):
        if (name := PERSON.match(folder.name)) and any(path.suffix.lower() in SUFFIXES for path in files):
            photos.setdefault(name[1].upper(), folder)
        for path in files:
            suffix = path.suffix.lower()
            kind = videos if suffix in VIDEOS else tables if suffix in TABLES else None
            if kind is not None and (name := PERSON.match(path.name)):
                kind.setdefault(name[1].upper(), path)
    return tables, videos, photos


def _split(root: Path, table: Path) -> str:
    inside = {part.lower() for part in table.relative_to(root).parts[:-1]}
    return next((split for split in ("train", "test") if split in inside), "all")
