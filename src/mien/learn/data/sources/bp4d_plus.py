"""BP4D+ (Zhang et al. 2016): 140 people, presence of 34 action units in tasks T1, T6, T7 and T8, intensity of five.

Expected layout: that of :mod:`mien.learn.data.sources.bp4d`. Photos start at number 0, tables at frame 1. Column 99 of
the tables marks frames that could not be coded; their units are 9, which is null here.

The data is available by agreement with Binghamton University, for research.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources import bp4d
from mien.learn.data.sources.shared.release_files import Report
from mien.learn.data.sources.shared.splits import read_subject_splits
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "BP4D+ (Zhang et al. 2016)",
    "licence": "by agreement with Binghamton University, for research: local use only",
    "release": "AUCoding and 2D+3D",
}


def read(root: Path, report: Report, *, subjects: Path | None = None, first: int | None = None) -> Iterator[Row]:
    """Yield a row for each coded frame that has a photo, in the split all unless ``subjects`` assigns another.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable row.
        subjects: a text file with lines ``F001 train``, such as the partitions of FERA 2017, which come with the data
            of the challenge and are not known to us.
        first: the number of the photo that shows frame 1. By default 0 if a task has a photo 0, and 1 otherwise.

    Raises:
        FileNotFoundError: if folders are missing; the message names them.
    """
    splits = read_subject_splits(subjects, report) if subjects is not None else {}
    yield from bp4d.rows(root, report, dataset="bp4d_plus", splits=splits, first=first)
