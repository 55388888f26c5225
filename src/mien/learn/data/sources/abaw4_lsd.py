"""ABAW4, Learning from Synthetic Data (Kollias 2022): synthetic and real faces with one of six expressions each.

Expected layout: ``training_set_synthetic_images`` and ``validation_set_real_images``, each with one folder per
expression: ``ANGER`` (misspelled in the training set of the release, as ``ANGERE`` or ``ANGRER``), ``DISGUST``,
``FEAR``, ``HAPPINESS``, ``SADNESS``, ``SURPRISE``. A set whose pictures are not in such folders has a list next to it,
``*train*.txt`` or ``*valid*.txt`` (or ``.csv``), with one line ``name,number`` per picture: 0 anger, 1 disgust, 2 fear,
3 happiness, 4 sadness, 5 surprise.

There is no neutral class. The expression of a synthetic face is the one it was generated to show, and therefore weak.
The test set is released without labels. The data is for research, by agreement with the authors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.listed_pictures import listed_pictures
from mien.learn.data.sources.shared.release_files import Report, find_root, folders, inside, pictures, required
from mien.learn.data.sources.shared.text_files import records
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "ABAW4, Learning from Synthetic Data (Kollias 2022)",
    "licence": "for research, by agreement with its authors: local use only",
    "release": "the synthetic training set and the real validation set of the fourth ABAW competition",
    "weak": {"expression": "in the training set: the expression that the picture was generated to show"},
}

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""Labels 0 to 5. A folder is recognised by its first three letters."""

SETS = {"train": "train*set*synthetic*", "valid": "valid*set*real*"}
"""Split -> its folder."""


def read(root: Path, report: Report) -> Iterator[Row]:
    """Yield the rows of the synthetic training set (``train``) and the real validation set (``valid``).

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable picture.

    Raises:
        FileNotFoundError: if folders are missing; the message names them.
    """
    place = find_root(root, tuple(SETS.values()))
    for split, pattern in SETS.items():
        for folder in sorted(path for path in place.glob(pattern) if path.is_dir()):
            by_folder = any(_code(inner.name) is not None for inner in folders(folder))
            known = _from_folders(folder, report) if by_folder else _from_list(folder, split, report)
            for picture, code in known:
                row = {"path": str(picture), "split": split, "dataset": "abaw4_lsd", "subject": None}
                yield {**row, "expression": EXPRESSIONS[code]}


def _code(name: str) -> int | None:
    return next((code for code, word in enumerate(EXPRESSIONS) if name[:3].lower() == word[:3]), None)


def _from_folders(folder: Path, report: Report) -> Iterator[tuple[Path, int]]:
    """Yield picture and label by the folder that the picture is in."""
    for inner in folders(folder):
        code = _code(inner.name)
        if code is None:
            report(f"{inner}: does not start with any of {', '.join(word[:3].upper() for word in EXPRESSIONS)}")
            continue
        yield from ((picture, code) for picture in pictures(inner))


def _from_list(folder: Path, split: str, report: Report) -> Iterator[tuple[Path, int]]:
    """Yield picture and label of each usable line of the list next to a folder."""
    (path,) = required(folder.parent, tuple(f"*{split}*.{end}" for end in ("txt", "csv", "txt.gz", "csv.gz")))
    rows = records(path, report, ("image", "expression"), header_optional=True)
    entries = ((line, cells["image"], cells["expression"]) for line, cells in rows)
    codes = range(len(EXPRESSIONS))
    for entry in listed_pictures(path, entries, codes, lambda name, _: inside(folder, name), report):
        yield entry.picture, entry.code
