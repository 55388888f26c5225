"""BP4D-Spontaneous (Zhang et al. 2014): 41 people, eight tasks each, action units of the most expressive frames.

Expected layout::

    AUCoding/AU_OCC/F001_T1.csv             header: a cell for the frame, then the units; 0, 1, 9 (not coded)
    AUCoding/AU_INT/AU06/F001_T1_AU06.csv   frame, intensity 0 to 5 or 9; no header; may be missing
    2D+3D/F001/T1/0001.jpg                  photos; the archives of the release, F001.zip and so on, unpacked

The tables may also be in ``AUCoding`` or ``AUCoding/AUCoding``, the intensities in ``AU Intensity Codes3.0``, the
photos in ``BP4D-training`` (FERA 2015), ``images``, ``videos`` or next to the tables; their numbers may have any number
of leading zeros.

The data is available by agreement with Binghamton University, for research.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.au_coding import au_label, intensities, occurrences
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.release_files import Report, find_root, folders, numbered_pictures, visible
from mien.learn.data.sources.shared.splits import read_subject_splits
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "BP4D-Spontaneous (Zhang et al. 2014)",
    "licence": "by agreement with Binghamton University, for research: local use only",
    "release": "AUCoding and 2D+3D",
}

TABLES = ("AUCoding/AU_OCC", "AUCoding/AUCoding", "AUCoding", "AU_OCC")

INTENSITIES = ("AUCoding/AU_INT", "AU_INT", "AU Intensity Codes3.0", "AUCoding/AU Intensity Codes3.0")

PHOTOS = ("2D+3D", "BP4D-training", "BP4D/BP4D-training", "images", "Images", "videos", ".")

PEOPLE = (*(f"F{number:03d}" for number in range(1, 24)), *(f"M{number:03d}" for number in range(1, 19)))

FERA_2015 = {subject: "train" if int(subject[1:]) % 2 else "valid" for subject in PEOPLE}
"""The partitions of the FERA 2015 challenge, 21 and 20 people; the people of its test set are not in BP4D."""

FOLDS = (
    ("F007", "F015", "F006", "F019", "M006", "M009", "F012", "M003", "F004", "F021", "F017", "M015", "F014"),
    ("M011", "F003", "M010", "M002", "F005", "F022", "M018", "M017", "F013", "M016", "F020", "F011", "M013", "M005"),
    ("F001", "M007", "F018", "F008", "F002", "M004", "F010", "F009", "M012", "M001", "F016", "M014", "F023", "M008"),
)
"""The people held out by folds 1, 2 and 3 of the usual three-fold protocol (of JAA-Net and later work)."""

RATE = 25.0
"""Frames per second."""


def read(
    root: Path, report: Report, *, fold: int = 0, subjects: Path | None = None, first: int | None = None
) -> Iterator[Row]:
    """Yield a row for each coded frame that has a photo: presence of the coded units, and intensities if there are any.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable row.
        fold: 0 uses the partitions of FERA 2015; 1, 2 or 3 puts the people that this fold holds out into valid and all
            others into train.
        subjects: a text file with lines ``F001 train``, used instead; people who are not in it are in the split all.
        first: the number of the photo that shows frame 1. By default 0 if a task has a photo 0, and 1 otherwise.

    Raises:
        FileNotFoundError: if folders are missing; the message names them.
        ValueError: if there is no such fold.
    """
    if fold not in range(len(FOLDS) + 1):
        raise ValueError(f"fold {fold}: there are folds 1 to {len(FOLDS)}, and 0 for the partitions of FERA 2015")
    splits = dict(FERA_2015)
    if fold:
        splits = {subject: "valid" if subject in FOLDS[fold - 1] else "train" for subject in PEOPLE}
    if subjects is not None:
        splits = read_subject_splits(subjects, report)
    yield from rows(root, report, dataset="bp4d", splits=splits, first=first)


def rows(root: Path, report: Report, *, dataset: str, splits: dict[str, str], first: int | None) -> Iterator[Row]:
    """Yield the rows of BP4D or BP4D+, which have the same layout.

    Args:
        root: as in :func:`read`.
        report: as in :func:`read`.
        dataset: the value of the column ``dataset``.
        splits: subject -> split; other subjects are in the split all.
        first: as in :func:`read`.
    """
    root = find_root(root, TABLES)
    lookup = FileLookup()
    coded = next((found for name in TABLES if (found := _coded(root / name))), None)
    if coded is None:
        raise FileNotFoundError(f"{root}: no table such as F001_T1.csv found in {', '.join(TABLES)}")
    for (subject, task), table in coded.items():
        folder = _first(root / name / subject / task for name in PHOTOS)
        if folder is None:
            report(f"{table}: {_missing(root, subject, task)}")
            continue
        photos = numbered_pictures(folder)
        start = first if first is not None else int(0 not in photos)
        grades = _grades(root, lookup, subject, task, report)
        for frame, units in occurrences(table, report):
            photo = photos.get(frame - 1 + start)
            if photo is None:
                report(f"{table}: frame {frame}: no photo {frame - 1 + start} in {folder}")
                continue
            metadata: Row = {"path": str(photo), "split": splits.get(subject, "all"), "dataset": dataset}
            metadata |= {"subject": subject, "video": f"{subject}_{task}"}
            metadata |= {"frame": frame - 1, "timestamp": (frame - 1) / RATE}
            yield metadata | units | {f"{label}_intensity": values.get(frame) for label, values in grades.items()}


def _coded(folder: Path) -> dict[tuple[str, str], Path]:
    """Return (subject, task) -> table."""
    found = {}
    for file in visible(folder, folders=False):
        if name := re.fullmatch(r"([FM]\d{3})_(T\d+)\.csv(?:\.gz)?", file, re.IGNORECASE):
            found[name[1].upper(), name[2].upper()] = folder / file
    return found


def _grades(root: Path, lookup: FileLookup, subject: str, task: str, report: Report) -> dict[str, dict[int, float]]:
    """Return unit -> frame -> intensity, for the units of our label space that were graded."""
    place = _first(root / name for name in INTENSITIES)
    found = {}
    for folder in folders(place) if place else []:
        label = au_label(int(folder.name[2:])) if re.fullmatch(r"AU\d+", folder.name, re.IGNORECASE) else None
        name = f"{subject}_{task}_{folder.name}.csv"
        path = lookup.find(folder / name) or lookup.find(folder / f"{name}.gz")
        if label and path:
            found[label] = intensities(path, report)
    return found


def _first(places: Iterable[Path]) -> Path | None:
    return next((place for place in places if place.is_dir()), None)


def _missing(root: Path, subject: str, task: str) -> str:
    """Return why there are no photos."""
    for name in PHOTOS:
        if (archive := root / name / f"{subject}.zip").exists():
            return f"{archive} must be unpacked first"
    return f"no folder {subject}/{task} with photos found in {', '.join(PHOTOS[:-1])}"
