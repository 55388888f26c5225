"""RAF-DB, its compound expressions (Li, Deng and Du 2017): photos from the web, one of eleven compounds each.

Layout: the folder ``compound`` of the release, built as ``basic`` is (:mod:`mien.learn.data.sources.raf_db`): a line
``train_0001.jpg 3`` a picture in ``EmoLabel/list_patition_label.txt``, and ``Image/aligned/train_0001_aligned.jpg``.

Labels 1 to 11, in the order of ``mien.tasks.COMPOUND``, which is the release's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.raf_db import LIST, geometry, listed
from mien.learn.data.sources.shared.copies import home
from mien.learn.data.sources.shared.files import Fault, lines, number, required
from mien.tasks import ALL_TASKS, COMPOUND

TASKS = ALL_TASKS

METADATA = {
    "source": "RAF-DB, compound expressions (Li, Deng and Du 2017)",
    "licence": "for research, by agreement with its authors: local use only",
    "release": "the two-label subset",
}


def read(root: Path, fault: Fault, *, original: bool = False) -> Iterator[Row]:
    """Manifest rows of the training and the test set, in the order of the list; they have no basic expression.

    Args:
        root: the folder of the release, or one around it.
        fault: told of each row that cannot be used.
        original: the whole photos, with the face's box and landmarks, in place of the aligned faces.

    Raises:
        FileNotFoundError: naming the files that were looked for.
        ValueError: if it is the set of basic expressions.
    """
    choices = (*(f"compound/{name}" for name in LIST), *LIST)
    (found,) = required(home(root, choices), choices)
    if all((number(text.rpartition(" ")[2]) or 0) <= 7 for _, text in lines(found)):
        raise ValueError(f"{found}: no label is above 7: these are the basic expressions, read by raf_db")
    for picture, split, code, where in listed(found, fault, len(COMPOUND), original=original):
        row = {"path": str(picture), "split": split, "dataset": "raf_db_compound", "subject": None}
        yield {**row, "compound": COMPOUND.labels[code - 1], **(geometry(picture, where, fault) if original else {})}
