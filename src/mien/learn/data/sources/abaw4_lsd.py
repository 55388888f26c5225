"""ABAW4, Learning from Synthetic Data (Kollias 2022): generated faces to learn six expressions from, real ones to test.

Layout: ``training_set_synthetic_images`` and ``validation_set_real_images``, each with a folder an expression:
``ANGER`` (misspelled in the training set of the release, ``ANGERE`` or ``ANGRER``), ``DISGUST``, ``FEAR``,
``HAPPINESS``, ``SADNESS``, ``SURPRISE``. A set whose pictures are not sorted has a list beside it, ``*train*.txt`` or
``*valid*.txt`` (or ``.csv``), with a line ``name,number`` a picture: 0 anger, 1 disgust, 2 fear, 3 happiness,
4 sadness, 5 surprise. There is no neutral face. The pictures of the test set came without labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.copies import folders, home, pictures
from mien.learn.data.sources.shared.files import Fault, inside, required
from mien.learn.data.sources.shared.lists import Catalogue, table, whole_number
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "ABAW4, Learning from Synthetic Data (Kollias 2022)",
    "licence": "for research, by agreement with its authors: local use only",
    "release": "the synthetic training set and the real validation set of the fourth ABAW competition",
    "weak": {"expression": "in the training set: the expression that the picture was generated to show"},
}

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""Numbers 0 to 5. A folder is known by its first three letters."""

SETS = {"train": "train*set*synthetic*", "valid": "valid*set*real*"}
"""Split -> its folder."""


def read(root: Path, fault: Fault) -> Iterator[Row]:
    """Manifest rows of the synthetic training set (``train``) and the real validation set (``valid``).

    Args:
        root: the folder of the release, or one around it.
        fault: told of each picture that cannot be used.

    Raises:
        FileNotFoundError: naming the folders that were looked for.
    """
    place = home(root, tuple(SETS.values()))
    for split, pattern in SETS.items():
        for folder in sorted(path for path in place.glob(pattern) if path.is_dir()):
            sorts = {code: inner for inner in folders(folder) if (code := _code(inner.name)) is not None}
            known = _sorted(folder, fault) if sorts else _listed(folder, split, fault)
            for picture, expression in known:
                row = {"path": str(picture), "split": split, "dataset": "abaw4_lsd", "subject": None}
                yield {**row, "expression": expression}


def _code(name: str) -> int | None:
    return next((code for code, word in enumerate(EXPRESSIONS) if name[:3].lower() == word[:3]), None)


def _sorted(folder: Path, fault: Fault) -> Iterator[tuple[Path, str]]:
    """Picture and expression, by the folder it lies in."""
    for inner in folders(folder):
        code = _code(inner.name)
        if code is None:
            fault(f"{inner}: begins with none of {', '.join(word[:3].upper() for word in EXPRESSIONS)}")
            continue
        yield from ((picture, EXPRESSIONS[code]) for picture in pictures(inner))


def _listed(folder: Path, split: str, fault: Fault) -> Iterator[tuple[Path, str]]:
    """Picture and expression of each line of the list beside a folder."""
    (path,) = required(folder.parent, tuple(f"*{split}*.{end}" for end in ("txt", "csv", "txt.gz", "csv.gz")))
    catalogue, seen = Catalogue(), set[str]()
    for line, cells in table(path, fault, ("image", "expression")):
        name, where = cells["image"], f"{path}: line {line}"
        try:
            code = whole_number(cells["expression"], 0, len(EXPRESSIONS) - 1)
        except ValueError as error:
            fault(f"{where}: {error}")
            continue
        picture = catalogue.find(inside(folder, name))
        if name in seen:
            fault(f"{where}: {name} stands there twice")
        elif picture is None:
            fault(f"{where}: {name}: no such picture in {folder}")
        else:
            seen.add(name)
            yield picture, EXPRESSIONS[code]
