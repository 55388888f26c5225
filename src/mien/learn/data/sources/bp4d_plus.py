"""BP4D+ (Zhang et al. 2016): 140 people; tasks T1, T6, T7 and T8 are coded, 34 units present or not, five graded.

The layout is that of :mod:`mien.learn.data.sources.bp4d`. Its photos begin with number 0, its tables with frame 1.
Column 99 of the tables marks frames that could not be coded; their units are 9, which is null here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources import bp4d
from mien.learn.data.sources.shared.copies import subject_splits
from mien.learn.data.sources.shared.files import Fault
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "BP4D+ (Zhang et al. 2016)",
    "licence": "by agreement with Binghamton University, for research: local use only",
    "release": "AUCoding and 2D+3D",
}


def read(root: Path, fault: Fault, *, subjects: Path | None = None, first: int | None = None) -> Iterator[Row]:
    """A row for each coded frame whose photo is there, in the split all unless ``subjects`` says otherwise.

    Args:
        root: of the release, or a folder around it.
        fault: told what cannot be used.
        subjects: a text file with lines ``F001 train``, such as the partitions of FERA 2017, which come with the
            challenge's data and are not known here.
        first: the number of the photo that shows frame 1. By itself: 0 if a task has a photo 0, and 1 if not.

    Raises:
        FileNotFoundError: naming the folders that were looked for.
    """
    splits = subject_splits(subjects, fault) if subjects is not None else {}
    yield from bp4d.rows(root, fault, dataset="bp4d_plus", splits=splits, first=first)
