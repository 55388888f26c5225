"""ExpW, Expression in-the-Wild (Zhang, Luo, Loy and Tang 2018): photos from the web, each face with an expression.

Layout: ``label/label.lst`` with a line a face, parted by blanks, without header: ``image_name``, ``face_id_in_image``,
``face_box_top``, ``face_box_left``, ``face_box_right``, ``face_box_bottom``, ``face_box_confidence``,
``expression_label``; and ``image/origin/<image_name>``.

Labels: 0 anger, 1 disgust, 2 fear, 3 happiness, 4 sadness, 5 surprise, 6 neutral.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.copies import home
from mien.learn.data.sources.shared.files import Fault, inside, lines, required
from mien.learn.data.sources.shared.lists import Catalogue, whole_number, within
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


def read(root: Path, fault: Fault, *, confidence: float = 0.0) -> Iterator[Row]:
    """Manifest rows of every face, in the order of the list, in one split ``all``: the release has no others.

    A photo with several faces has a row for each, with its box. Who they are is not known: ``subject`` is null.

    Args:
        root: the folder of the release, or one around it.
        fault: told of each row that cannot be used.
        confidence: of the face detector (0 to 100) that a face needs; with fewer it is left out.

    Raises:
        FileNotFoundError: naming the files that were looked for.
    """
    label, images = required(home(root, LIST, IMAGES), LIST, IMAGES)
    catalogue, seen = Catalogue(), set[tuple[str, ...]]()
    for line, text in lines(label, fault):
        where, cells = f"{label}: line {line}", tuple(text.strip().rsplit(None, 7))  # a name may have blanks in it
        if len(cells) < 8:
            fault(f"{where}: {len(cells)} cells, expected 8")
            continue
        if cells[:6] in seen:
            fault(f"{where}: face {cells[1]} of {cells[0]} stands there twice")
            continue
        seen.add(cells[:6])
        try:
            labels, sure = _face(cells[2:6], cells[7]), within(cells[6], -1e9, 1e9)
        except ValueError as error:
            fault(f"{where}: {error}")
            continue
        if sure < confidence:
            continue
        picture = catalogue.find(inside(images, cells[0]))
        if picture is None:
            fault(f"{where}: {cells[0]}: no such picture in {images}")
            continue
        yield {"path": str(picture), "split": "all", "dataset": "expw", "subject": None, **labels}


def _face(sides: tuple[str, ...], label: str) -> Row:
    """Label and box; ValueError, in words for a message, if they are none."""
    top, left, right, bottom = (within(side, -1e6, 1e6) for side in sides)
    expression = EXPRESSIONS[whole_number(label, 0, len(EXPRESSIONS) - 1)]
    if right <= left or bottom <= top:
        raise ValueError(f"the box (top, left, right, bottom) {', '.join(sides)} has no size")
    return {"expression": expression, "x": left, "y": top, "width": right - left, "height": bottom - top}
