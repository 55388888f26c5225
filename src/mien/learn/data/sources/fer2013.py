"""FER2013 (Goodfellow et al. 2013): 35,887 grey faces of 48 x 48 pixels with one of seven expressions each.

Expected layout: ``fer2013.csv`` with the columns emotion, pixels, Usage (or ``icml_face_data.csv``, the same with
spaces before the names), whose pixels are written as PNG files; or the pictures in folders, ``train/happy/im0.png``.

The expression is weak: it comes from the words that the photos were searched with. FER+ has better labels for the same
photos. The rights in the photos are unclear.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.ferplus import FINDER as FINDER
from mien.learn.data.sources.shared.expression_words import FER2013, labelled
from mien.learn.data.sources.shared.pixel_table import pixel_rows
from mien.learn.data.sources.shared.release_files import Report, find_root, required
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "FER2013 (Goodfellow et al. 2013)",
    "licence": "rights in the photos unclear: local use only",
    "release": "fer2013.csv, icml_face_data.csv or folders of pictures",
    "weak": {
        "expression": "from the words with which the photos were searched; FER+ has better labels for the same photos"
    },
}

TABLES = ("fer2013.csv", "icml_face_data.csv", "fer2013.csv.gz", "icml_face_data.csv.gz")


def read(root: Path, report: Report, *, pictures: Path | None = None) -> Iterator[Row]:
    """Yield a row for each picture. Training, PublicTest and PrivateTest are train, valid and test.

    In a table, ``subject`` is the first picture with the same pixels: some photos occur twice or more, so group folds
    by it. In folders, ``test`` contains both official test sets.

    Args:
        root: the folder of the table or of the folders, or a parent folder.
        report: called with a line for each unusable row.
        pictures: where the pictures of a table are written; by default a folder ``pictures`` next to the table.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
    """
    try:
        root = find_root(root, TABLES)
    except FileNotFoundError as error:
        found = False
        for path, split, label in labelled(root):
            found = True
            yield {"path": str(path), "split": split, "dataset": "fer2013", "expression": label}
        if not found:
            raise FileNotFoundError(f"{error}, nor folders such as train/happy") from None
        return
    (table,) = required(root, TABLES)
    for entry in pixel_rows(table, pictures or root / "pictures", FER2013, report):
        row: Row = {"path": str(entry.path), "split": entry.split, "dataset": "fer2013", "subject": entry.first}
        yield {**row, "expression": entry.label}
