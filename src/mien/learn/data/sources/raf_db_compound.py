"""RAF-DB, compound expressions (Li, Deng and Du 2017): photos from the web with one of eleven compounds each.

Expected layout: the folder ``compound`` of the release, which has the layout of ``basic``
(:mod:`mien.learn.data.sources.raf_db`): one line ``train_0001.jpg 3`` per picture in
``EmoLabel/list_patition_label.txt``, and ``Image/aligned/train_0001_aligned.jpg``.

Labels: 1 to 11, in the order of ``mien.tasks.COMPOUND``, which is that of the release. The data is for research, by
agreement with the authors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.raf_db import LIST, codes, rows
from mien.learn.data.sources.shared.release_files import Report, find_root, required
from mien.tasks import ALL_TASKS, COMPOUND

TASKS = ALL_TASKS

METADATA = {
    "source": "RAF-DB, compound expressions (Li, Deng and Du 2017)",
    "licence": "for research, by agreement with its authors: local use only",
    "release": "the two-label subset",
}


def read(root: Path, report: Report, *, original: bool = False) -> Iterator[Row]:
    """Yield the rows of the training and the test set, in the order of the list; they have no basic expression.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable row.
        original: whether to take the whole photos, with box and landmarks of the face, instead of the aligned faces.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if it is the set of basic expressions.
    """
    choices = (*(f"compound/{name}" for name in LIST), *LIST)
    (found,) = required(find_root(root, choices), choices)
    if all((code or 0) <= 7 for code in codes(found)):
        raise ValueError(f"{found}: has labels up to 7; these are the basic expressions, read by raf_db")
    for code, row in rows(found, report, len(COMPOUND), original=original):
        yield {**row, "dataset": "raf_db_compound", "compound": COMPOUND.labels[code - 1]}
