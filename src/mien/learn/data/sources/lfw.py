"""Faces of named people, as in Labeled Faces in the Wild (Huang et al. 2007): no label but who it is.

Expected: pictures whose names end with a number after the person's, ``Name_Surname_0001.jpg``, in a folder for each
person (``lfw/Name_Surname/Name_Surname_0001.jpg``), in one folder, or in any folders. The lists of pairs and people
are not read. Of a copy with several versions (``lfw`` beside ``lfw-deepfunneled``) one is to be named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.copies import dealt, pictures, share
from mien.learn.data.sources.shared.files import Fault
from mien.tasks import Kind, Task

TASKS: tuple[Task, ...] = ()

METADATA = {
    "source": "faces of named people in the layout of Labeled Faces in the Wild (Huang et al. 2007)",
    "licence": "photos from the web, for research: local use only",
    "release": "a picture Name_0001.jpg each",
}

NAME = re.compile(r"(?P<person>.+)_(?P<number>\d+)")

SHARES = (0.2, 0.2)
"""Those for valid and test, of the people or, where people are classes, of each one's pictures."""


def tasks(root: Path, *, identities: bool = False, least: int = 3) -> tuple[Task, ...]:
    """None; or, if asked for, the person as a class: everybody with ``least`` pictures or more, ordered by name.

    Raises:
        FileNotFoundError: if there is no picture with such a name.
    """
    if not identities:
        return TASKS
    names = tuple(sorted(name for name, theirs in _people(root, lambda _: None).items() if len(theirs) >= least))
    return (Task("identity", Kind.CLASSES, names, tuple(f"probability that it is {name}" for name in names)),)


def read(root: Path, fault: Fault, *, identities: bool = False, least: int = 3, seed: int = 0) -> Iterator[Row]:
    """A row for each picture, with the person in ``identity`` and ``subject``.

    The people are divided by a hash of their names, three to one to one, so that nobody is in two splits and adding
    people moves nobody.

    Args:
        root: of the pictures.
        fault: told of pictures with another kind of name, and of those that are there twice.
        identities: the person is to be a class: then only people with ``least`` pictures or more are taken, and the
            pictures of each are dealt to train, valid and test, so that everybody is in all three.
        least: see ``identities``; at least 3 to be in every split.
        seed: of the division.

    Raises:
        FileNotFoundError: if there is no picture with such a name.
    """
    for person, theirs in sorted(_people(root, fault).items()):
        if identities and len(theirs) < least:
            continue
        place = share(person, seed)
        whole = "valid" if place < SHARES[0] else "test" if place < sum(SHARES) else "train"
        parts = dealt(list(theirs), valid=SHARES[0], test=SHARES[1], seed=seed) if identities else {}
        for number, path in theirs.items():
            row: Row = {"path": str(path), "split": parts.get(number, whole), "dataset": "lfw"}
            yield {**row, "subject": person, "identity": person}


def _people(root: Path, fault: Fault) -> dict[str, dict[str, Path]]:
    """Person -> number -> picture."""
    found: dict[str, dict[str, Path]] = {}
    for path in pictures(root):
        name = NAME.fullmatch(path.stem)
        if name is None:
            fault(f"{path}: the name is not a person's with a number, such as Name_0001")
        elif name["number"] in found.setdefault(name["person"], {}):
            fault(f"{path}: {path.stem} is there twice, first as {found[name['person']][name['number']]}")
        else:
            found[name["person"]][name["number"]] = path
    if not found:
        raise FileNotFoundError(f"{root}: not the folder of this data set: no picture such as Name_0001.jpg found")
    return found
