"""FER2013 (Goodfellow et al. 2013): 35,887 grey faces of 48 x 48 pixels, one of seven expressions each.

Expected: ``fer2013.csv`` with the columns emotion, pixels, Usage (or ``icml_face_data.csv``, the same with blanks
before the names), whose pixels are written out as PNG files; or the pictures in folders, ``train/happy/im0.png``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.ferplus import FINDER as FINDER
from mien.learn.data.sources.shared.copies import home
from mien.learn.data.sources.shared.expression_words import FER2013, labelled
from mien.learn.data.sources.shared.files import Fault, required
from mien.learn.data.sources.shared.pixel_table import entries
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "FER2013 (Goodfellow et al. 2013)",
    "licence": "rights in the photos unclear: local use only",
    "release": "fer2013.csv, icml_face_data.csv or folders of pictures",
    "weak": {
        "expression": "from the words that the photos were searched with; FER+ has better labels of the same photos"
    },
}

TABLES = ("fer2013.csv", "icml_face_data.csv", "fer2013.csv.gz", "icml_face_data.csv.gz")


def read(root: Path, fault: Fault, *, pictures: Path | None = None) -> Iterator[Row]:
    """A row for each picture. Training, PublicTest and PrivateTest are train, valid and test.

    ``subject`` is, of a table, the first picture with the same pixels: some photos are there twice or more, so folds
    are to be made by it. In folders the split test holds both of the official ones.

    Args:
        root: of the table or the folders, or a folder around them.
        fault: told what cannot be used.
        pictures: where the pictures of a table go; by itself a folder ``pictures`` beside the table.

    Raises:
        FileNotFoundError: naming the files that were looked for.
    """
    try:
        root = home(root, TABLES)
    except FileNotFoundError as error:
        found = False
        for path, split, label in labelled(root):
            found = True
            yield {"path": str(path), "split": split, "dataset": "fer2013", "expression": label}
        if not found:
            raise FileNotFoundError(f"{error}, nor folders such as train/happy") from None
        return
    (table,) = required(root, TABLES)
    for entry in entries(table, pictures or root / "pictures", FER2013, fault):
        row: Row = {"path": str(entry.path), "split": entry.split, "dataset": "fer2013", "subject": entry.first}
        yield {**row, "expression": entry.label}
