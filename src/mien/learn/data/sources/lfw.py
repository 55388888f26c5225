"""Faces of named people, as in Labeled Faces in the Wild (Huang et al. 2007), labelled only with their identity.

Expected layout: pictures named by the person and a number, ``Name_Surname_0001.jpg``, in a folder for each person
(``lfw/Name_Surname/Name_Surname_0001.jpg``), in one folder, or in any folders. Lists of pairs and people are not read.
If a copy has several versions (``lfw`` next to ``lfw-deepfunneled``), give the folder of one of them.

The photos are from the web and for research use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.release_files import Report, pictures
from mien.learn.data.sources.shared.splits import deal, share
from mien.tasks import Kind, Task

TASKS: tuple[Task, ...] = ()

METADATA = {
    "source": "faces of named people in the layout of Labeled Faces in the Wild (Huang et al. 2007)",
    "licence": "photos from the web, for research: local use only",
    "release": "pictures named as Name_0001.jpg",
}

NAME = re.compile(r"(?P<person>.+)_(?P<number>\d+)")

SHARES = (0.2, 0.2)
"""Shares of valid and test, of the people or, if people are classes, of the pictures of each person."""


def tasks(root: Path, *, identities: bool = False, least: int = 3) -> tuple[Task, ...]:
    """Return no task or, with ``identities``, the person as a class: those with ``least`` pictures or more, by name.

    Raises:
        FileNotFoundError: if there is no picture with such a name.
    """
    if not identities:
        return TASKS
    names = tuple(sorted(name for name, theirs in _people(root, lambda _: None).items() if len(theirs) >= least))
    return (Task("identity", Kind.CLASSES, names, tuple(f"probability that it is {name}" for name in names)),)


def read(root: Path, report: Report, *, identities: bool = False, least: int = 3) -> Iterator[Row]:
    """Yield a row for each picture, with the person in ``identity`` and ``subject``.

    People are split 3 : 1 : 1 by a hash of their name, so that nobody is in two splits and adding people does not move
    others.

    Args:
        root: the folder of the pictures.
        report: called with a line for each picture with a different kind of name, and for each duplicate.
        identities: whether the person is a class: then only people with ``least`` pictures or more are used, and the
            pictures of each are distributed to train, valid and test.
        least: see ``identities``; 3 are needed to be in every split.

    Raises:
        FileNotFoundError: if there is no picture with such a name.
    """
    for person, theirs in sorted(_people(root, report).items()):
        if identities and len(theirs) < least:
            continue
        place = share(person)
        whole = "valid" if place < SHARES[0] else "test" if place < sum(SHARES) else "train"
        parts = deal(list(theirs), valid=SHARES[0], test=SHARES[1]) if identities else {}
        for number, path in theirs.items():
            row: Row = {"path": str(path), "split": parts.get(number, whole), "dataset": "lfw"}
            yield {**row, "subject": person, "identity": person}


def _people(root: Path, report: Report) -> dict[str, dict[str, Path]]:
    """Return person -> number -> picture."""
    found: dict[str, dict[str, Path]] = {}
    for path in pictures(root):
        name = NAME.fullmatch(path.stem)
        if name is None:
            report(f"{path}: the name is not a person and a number, such as Name_0001")
        elif name["number"] in found.setdefault(name["person"], {}):
            report(f"{path}: duplicate of {found[name['person']][name['number']]}")
        else:
            found[name["person"]][name["number"]] = path
    if not found:
        raise FileNotFoundError(f"{root}: not the folder of this data set: no picture such as Name_0001.jpg found")
    return found
