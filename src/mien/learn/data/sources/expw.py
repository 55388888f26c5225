"""ExpW, Expression in-the-Wild (Zhang, Luo, Loy and Tang 2018): photos from the web with an expression for each face.

Expected layout: ``label/label.lst``, with one line per face, separated by spaces, without header: ``image_name``,
``face_id_in_image``, ``face_box_top``, ``face_box_left``, ``face_box_right``, ``face_box_bottom``,
``face_box_confidence``, ``expression_label``; and ``image/origin/<image_name>``.

Labels: 0 anger, 1 disgust, 2 fear, 3 happiness, 4 sadness, 5 surprise, 6 neutral. There are no official splits, and
people are not identified. The photos are for research.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.manifest.columns import Row
from mien.learn.data.sources.shared.file_lookup import FileLookup
from mien.learn.data.sources.shared.release_files import Report, find_root, inside, required
from mien.learn.data.sources.shared.text_files import lines, whole_number, within
from mien.tasks import FACE

TASKS = FACE

METADATA = {
    "source": "ExpW, Expression in-the-Wild (Zhang, Luo, Loy and Tang 2018)",
    "licence": "photos from the web, for research: local use only",
    "release": "label.lst and the original photos",
}

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""Labels 0 to 6."""

LIST = ("label/label.lst", "label.lst", "*/label.lst", "label/label.lst.gz", "label.lst.gz")

IMAGES = ("image/origin", "*/image/origin", "origin", "*/origin", "image", "images", "*/image", "*/images")


def read(root: Path, report: Report, *, confidence: float = 0.0) -> Iterator[Row]:
    """Yield the rows of every face, in the order of the list, in the split ``all``: the release has no splits.

    A photo with several faces has a row for each, with its box. The release does not identify people: ``subject`` is
    null.

    Args:
        root: the folder of the release, or a parent folder.
        report: called with a line for each unusable row.
        confidence: the lowest detection confidence (0 to 100) of a face; others are skipped.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
    """
    label, images = required(find_root(root, LIST, IMAGES), LIST, IMAGES)
    lookup, seen = FileLookup(), set[tuple[str, ...]]()
    for line, text in lines(label, report):
        where, cells = f"{label}: line {line}", tuple(text.strip().rsplit(None, 7))  # a name may contain spaces
        if len(cells) < 8:
            report(f"{where}: {len(cells)} cells, expected 8")
            continue
        if cells[:6] in seen:
            report(f"{where}: {cells[0]}: duplicate face {cells[1]}")
            continue
        seen.add(cells[:6])
        try:
            labels, detected = _face(cells[2:6], cells[7]), within(cells[6], -1e9, 1e9)
        except ValueError as error:
            report(f"{where}: {error}")
            continue
        if detected < confidence:
            continue
        picture = lookup.find(inside(images, cells[0]))
        if picture is None:
            report(f"{where}: {cells[0]}: no such picture in {images}")
            continue
        yield {"path": str(picture), "split": "all", "dataset": "expw", "subject": None, **labels}


def _face(sides: tuple[str, ...], label: str) -> Row:
    """Return the columns of label and box.

    Raises:
        ValueError: if the label is out of range or the box has no size; the message is ready for a report.
    """
    top, left, right, bottom = (within(side, -1e6, 1e6) for side in sides)
    expression = EXPRESSIONS[whole_number(label, 0, len(EXPRESSIONS) - 1)]
    if right <= left or bottom <= top:
        raise ValueError(f"the box (top, left, right, bottom) {', '.join(sides)} has no size")
    return {"expression": expression, "x": left, "y": top, "width": right - left, "height": bottom - top}
