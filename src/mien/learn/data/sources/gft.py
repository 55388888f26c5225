"""GFT, the Sayette Group Formation Task database (Girard et al. 2017): 96 people in groups of three, action units.

Expected layout: for each person a table of presence, in any folder, whose name starts with that of the person, such as
``001A.csv`` or ``001A_AU.txt``: a header with the frame and the units, then one row per frame; 1 and 0, and -1, 9 or
-999 where a frame is not coded. And the videos, ``001A.mp4`` (or ``.avi`` and so on), or photos of all frames in a
folder ``001A``, ``1.jpg`` and so on. The tables may be in folders ``train`` and ``test``. One minute per person is
coded.

The tables are published separately (osf.io/7wcyz, CC BY 4.0); the videos are available by agreement with the University
of Pittsburgh, for research. Names and headers of the tables are given here from memory, so the reader adapts to what it
finds. Intensities are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.au_coding import occurrences
from mien.learn.data.sources.shared.release_files import Report, numbered_pictures, walk
from mien.learn.data.sources.shared.splits import read_subject_splits
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
"""Frames per second: 1,800 frames are one minute."""


def read(root: Path, report: Report, *, subjects: Path | None = None) -> Iterator[Row]:
    """Yield a row for each coded frame of each person: a frame of the video, or its photo.

    A frame in which no unit is coded has no row. Photos are numbered from 0 if a person has a photo 0, and from 1
    otherwise. Splits are those of folders ``train`` and ``test`` around the tables, or all if there are none; we do not
    know the official list of 78 people for training and 18 for testing.

    Args:
        root: the folder of the data set; the folders in it may have any name.
        report: called with a line for each unusable row.
        subjects: a text file with lines ``001A train``, which overrides the folders.

    Raises:
        FileNotFoundError: if there is no table of a person.
    """
    tables, videos, photos = _places(root)
    if not tables:
        raise FileNotFoundError(f"{root}: not the folder of this data set: no table such as 001A.csv found")
    splits = read_subject_splits(subjects, report) if subjects is not None else {}
    for person, table in tables.items():
        split = splits.get(person, _split(root, table) if not splits else "all")
        if person not in videos and person not in photos:
            report(f"{table}: neither a video {person} nor a folder {person} of photos found")
            continue
        numbered = numbered_pictures(photos[person]) if person in photos else {}
        start = int(0 not in numbered)
        for frame, units in occurrences(table, report, missing=MISSING):
            if all(value is None for value in units.values()):
                continue
            path = numbered.get(frame - 1 + start) if person in photos else videos[person]
            if path is None:
                report(f"{table}: frame {frame}: no photo {frame - 1 + start} in {photos[person]}")
                continue
            metadata: Row = {"path": str(path), "split": split, "dataset": "gft", "subject": person, "video": person}
            yield {**metadata, "frame": frame - 1, "timestamp": (frame - 1) / RATE, **units}


def _places(root: Path) -> tuple[dict[str, Path], dict[str, Path], dict[str, Path]]:
    """Return person -> table, person -> video and person -> folder of photos, the first of each that is found."""
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
