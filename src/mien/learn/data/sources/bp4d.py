"""BP4D-Spontaneous (Zhang et al. 2014): 41 people, eight tasks each, coded frame by frame where they express most.

Expected, under the names of the release::

    AUCoding/AU_OCC/F001_T1.csv         head: a cell for the frame, then the units; 0, 1, 9 (not coded)
    AUCoding/AU_INT/AU06/F001_T1_AU06.csv   frame, intensity 0 to 5 or 9; no head; may be missing
    2D+3D/F001/T1/0001.jpg              photos; the archives of the release, F001.zip and so on, unpacked

The tables may lie in ``AUCoding`` itself or in ``AUCoding/AUCoding``, the intensities in ``AU Intensity Codes3.0``, the
photos in ``BP4D-training`` (FERA 2015), ``images``, ``videos`` or beside the tables; their numbers may have any zeros
before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.au_coding import intensities, occurrences, unit
from mien.learn.data.sources.shared.copies import Shelf, folders, home, subject_splits
from mien.learn.data.sources.shared.files import Fault
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
"""The partitions of the FERA 2015 challenge, 21 and 20 people; those of its test set are not in BP4D."""

FOLDS = (
    ("F007", "F015", "F006", "F019", "M006", "M009", "F012", "M003", "F004", "F021", "F017", "M015", "F014"),
    ("M011", "F003", "M010", "M002", "F005", "F022", "M018", "M017", "F013", "M016", "F020", "F011", "M013", "M005"),
    ("F001", "M007", "F018", "F008", "F002", "M004", "F010", "F009", "M012", "M001", "F016", "M014", "F023", "M008"),
)
"""The people that folds 1, 2 and 3 of the usual three-fold protocol (JAA-Net and those after it) hold out."""

RATE = 25.0
"""Frames a second."""


def read(
    root: Path, fault: Fault, *, fold: int = 0, subjects: Path | None = None, first: int | None = None
) -> Iterator[Row]:
    """A row for each coded frame whose photo is there: presence of the coded units, intensities where there are any.

    Args:
        root: of the release, or a folder around it.
        fault: told what cannot be used.
        fold: 0 takes the partitions of FERA 2015; 1, 2 or 3 puts the people that this fold holds out into valid and all
            others into train.
        subjects: a text file with lines ``F001 train`` instead; people who are not in it are in the split all.
        first: the number of the photo that shows frame 1. By itself: 0 if a task has a photo 0, and 1 if not.

    Raises:
        FileNotFoundError: naming the folders that were looked for.
        ValueError: if there is no such fold.
    """
    if fold not in range(len(FOLDS) + 1):
        raise ValueError(f"fold {fold}: there are folds 1 to {len(FOLDS)}, and 0 for the partitions of FERA 2015")
    splits = dict(FERA_2015)
    if fold:
        splits = {subject: "valid" if subject in FOLDS[fold - 1] else "train" for subject in PEOPLE}
    if subjects is not None:
        splits = subject_splits(subjects, fault)
    yield from rows(root, fault, dataset="bp4d", splits=splits, first=first)


def rows(root: Path, fault: Fault, *, dataset: str, splits: dict[str, str], first: int | None) -> Iterator[Row]:
    """The rows of BP4D or BP4D+, which have the same layout; as :func:`read`.

    Args:
        dataset: what the rows say.
        splits: subject -> split; others are in the split all.
    """
    root = home(root, TABLES)
    shelf = Shelf()
    coded = next((found for name in TABLES if (found := _coded(shelf, root / name))), None)
    if coded is None:
        raise FileNotFoundError(f"{root}: no table such as F001_T1.csv in {', '.join(TABLES)}")
    for (subject, task), table in coded.items():
        folder = _first(root / name / subject / task for name in PHOTOS)
        if folder is None:
            fault(f"{table}: {_lacking(root, subject, task)}")
            continue
        photos = shelf.numbered(folder)
        start = first if first is not None else int(0 not in photos)
        grades = _grades(root, shelf, subject, task, fault)
        for frame, units in occurrences(table, fault):
            photo = photos.get(frame - 1 + start)
            if photo is None:
                fault(f"{table}: frame {frame}: {folder} has no photo {frame - 1 + start}")
                continue
            metadata: Row = {"path": str(photo), "split": splits.get(subject, "all"), "dataset": dataset}
            metadata |= {"subject": subject, "video": f"{subject}_{task}"}
            metadata |= {"frame": frame - 1, "timestamp": (frame - 1) / RATE}
            yield metadata | units | {f"{label}_intensity": values.get(frame) for label, values in grades.items()}


def _coded(shelf: Shelf, folder: Path) -> dict[tuple[str, str], Path]:
    """Subject and task -> table."""
    found = {}
    for path in shelf.files(folder).values():
        if name := re.fullmatch(r"([FM]\d{3})_(T\d+)\.csv(?:\.gz)?", path.name, re.IGNORECASE):
            found[name[1].upper(), name[2].upper()] = path
    return found


def _grades(root: Path, shelf: Shelf, subject: str, task: str, fault: Fault) -> dict[str, dict[int, float]]:
    """Unit -> frame -> intensity, of all units of our label space that were graded."""
    place = _first(root / name for name in INTENSITIES)
    found = {}
    for folder in folders(place) if place else []:
        label = unit(int(folder.name[2:])) if re.fullmatch(r"AU\d+", folder.name, re.IGNORECASE) else None
        name = f"{subject}_{task}_{folder.name}.csv"
        path = shelf.find(folder / name) or shelf.find(folder / f"{name}.gz")
        if label and path:
            found[label] = intensities(path, fault)
    return found


def _first(places: Iterable[Path]) -> Path | None:
    return next((place for place in places if place.is_dir()), None)


def _lacking(root: Path, subject: str, task: str) -> str:
    for name in PHOTOS:
        if (archive := root / name / f"{subject}.zip").exists():
            return f"{archive} must be unpacked first"
    return f"no folder {subject}/{task} with its photos below {', '.join(PHOTOS[:-1])}"
