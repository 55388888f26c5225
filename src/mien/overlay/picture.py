"""Overlays of pictures: the box, the landmarks and the labels of each face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path, PurePath

from PIL import Image, ImageDraw

from mien.annotate.schema import Row
from mien.faces.detect import LANDMARKS
from mien.media.picture import Picture
from mien.overlay.panel import BACK, SMOOTH, Colour, disc, font, headline, panel
from mien.tasks import Task

MIN_SIDE, MAX_SIDE = 960, 1920
"""A picture is enlarged or reduced until its longer side is between these, in pixels."""

COLOURS: tuple[Colour, ...] = (
    (255, 196, 61), (76, 201, 240), (255, 112, 136), (128, 226, 126), (196, 150, 255), (255, 153, 85)
)  # fmt: skip
"""The colours of the faces, in turn."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the canvas."""

MAX_PANELS = 12
"""Most faces with a panel; further faces only have a box, a number and points."""


def draw_picture(picture: Picture, rows: Sequence[Row], tasks: Sequence[Task]) -> Image.Image:
    """Draw the box, the landmarks and the labels of every face; returns an RGB image.

    The panel of a single face is next to it if there is room. The panels of several faces, up to ``MAX_PANELS``, are in
    a strip added to the picture, so that they never hide a face that was missed; numbers and colours show which panel
    belongs to which face.

    Args:
        picture: the annotated picture.
        rows: the rows of this picture.
        tasks: the label space of the rows.

    Example::

        result = next(Annotator().stream("photo.jpg"))
        draw_picture(result.picture, result.rows, FACE).save("drawn.jpg")
    """
    canvas = _canvas(picture)
    unit = max(canvas.size) / 74
    faces = [row for row in rows if row.get("face") is not None]
    boxes = [_box(row, canvas.width / picture.width, canvas.height / picture.height) for row in faces]
    several = len(faces) > 1
    panels = [
        panel(f"{index}  " * several + headline(row, tasks), row, tasks, unit, colour_of(index))
        for index, row in enumerate(faces[:MAX_PANELS])
    ]
    _draw_faces(canvas, picture, faces, boxes, unit)
    for index, box in enumerate(boxes if several else ()):
        tag(canvas, box, str(index), min(unit, 0.2 * (box[2] - box[0])), colour_of(index))
    place = _place(boxes[0], panels[0].size, canvas.size, 0.6 * unit) if panels and not several else None
    if place:
        canvas.alpha_composite(panels.pop(), place)
    if not faces:
        tag(canvas, (unit, 3 * unit, unit, unit), "no face found", unit, COLOURS[0])
    return _with_strip(canvas, panels, round(0.6 * unit)).convert("RGB")


class Overlays:
    """A folder of overlays, one ``<stem of the input>.jpg`` per picture; equal stems get ``-2``, ``-3``, ... appended.

    Args:
        folder: created if needed.
        inputs: the paths that will be read; none may be in the folder.
        overwrite: whether the folder may already contain files.

    Raises:
        OSError: if the folder cannot be created or written, is not empty, or contains an input; one line.
    """

    def __init__(self, folder: Path, inputs: Iterable[str] = (), *, overwrite: bool = False) -> None:
        self.folder, self._used = folder, set[str]()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            occupied = any(folder.iterdir())
        except OSError as error:
            raise OSError(f"{folder}: cannot be written: {error.strerror}") from None
        if any(Path(name).parent.resolve() == folder.resolve() for name in inputs):
            raise OSError(f"{folder}: contains input pictures; choose another folder for the overlays")
        if occupied and not overwrite:
            raise OSError(f"{folder}: not empty (use --overwrite to replace its files)")

    def save(self, picture: Picture, rows: Sequence[Row], tasks: Sequence[Task]) -> Path:
        """Draw and write one overlay; returns its path."""
        stem = name = PurePath(picture.name).stem[:60]
        number = 1
        while name.lower() in self._used:  # on some file systems, A and a are the same name
            number += 1
            name = f"{stem}-{number}"
        self._used.add(name.lower())
        path = self.folder / f"{name}.jpg"
        draw_picture(picture, rows, tasks).save(path, quality=90)
        return path


def _canvas(picture: Picture) -> Image.Image:
    """The picture, resized, as an RGBA image."""
    height, width = picture.pixels.shape[:2]
    longest = max(width, height)
    grow = min(max(longest, MIN_SIDE), MAX_SIDE) / longest
    size = max(1, round(grow * width)), max(1, round(grow * height))
    return Image.fromarray(picture.pixels).resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def _box(row: Row, across: float, down: float) -> Box:
    left, top = row["x"] * across, row["y"] * down
    return left, top, left + row["width"] * across, top + row["height"] * down


def colour_of(index: int) -> Colour:
    """The colour of a face or a track."""
    return COLOURS[index % len(COLOURS)]


def _draw_faces(canvas: Image.Image, picture: Picture, faces: Sequence[Row], boxes: Sequence[Box], unit: float) -> None:
    """Draw boxes and landmarks on a larger layer that is reduced, which smooths them."""
    layer = Image.new("RGBA", (canvas.width * SMOOTH, canvas.height * SMOOTH))
    draw = ImageDraw.Draw(layer)
    thick = SMOOTH * max(2, round(0.15 * unit))
    across, down = layer.width / picture.width, layer.height / picture.height
    for index, (row, box) in enumerate(zip(faces, boxes, strict=True)):
        side = min(box[2] - box[0], box[3] - box[1]) * SMOOTH
        left, top, right, bottom = (SMOOTH * value for value in box)
        draw.rounded_rectangle((left, top, right, bottom), 0.06 * side, outline=(*colour_of(index), 255), width=thick)
        radius = min(max(0.018 * side, 0.16 * unit * SMOOTH), 0.4 * unit * SMOOTH)
        for name in LANDMARKS:
            point = row[f"{name}_x"] * across, row[f"{name}_y"] * down
            disc(draw, point, radius, (*colour_of(index), 255), BACK, max(1, round(0.25 * radius)))
    canvas.alpha_composite(layer.reduce(SMOOTH))


def tag(canvas: Image.Image, box: Box, text: str, unit: float, colour: Colour) -> None:
    """Draw a small tag at the upper left corner of a box, above it or, if there is no room, below it."""
    piece = _tag(text, round(4 * unit) / 4, colour)
    left = min(max(0.0, box[0]), canvas.width - piece.width)
    below = min(box[3], canvas.height - piece.height)
    top = box[1] - piece.height if box[1] >= piece.height else below
    canvas.paste(piece, (round(left), round(top)), piece)


@lru_cache(512)
def _tag(text: str, unit: float, colour: Colour) -> Image.Image:
    big = unit * SMOOTH
    letters = font(1.1 * big)
    size = round(letters.getlength(text) / SMOOTH + 0.8 * unit), round(1.6 * unit)
    image = Image.new("RGBA", (size[0] * SMOOTH, size[1] * SMOOTH))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, image.width - 1, image.height - 1), 0.3 * big, (*colour, 255))
    draw.text((image.width / 2, image.height / 2), text, BACK[:3], letters, anchor="mm")
    return image.reduce(SMOOTH)


def _place(box: Box, size: tuple[int, int], canvas: tuple[int, int], gap: float) -> tuple[int, int] | None:
    """The upper left corner of a panel next to a face: right, left, below or above; None if there is no room."""
    width, height = size
    left, top = _clamp(box[0], canvas[0] - width), _clamp(box[1], canvas[1] - height)
    right_end, bottom_end = _clamp(box[2] - width, canvas[0] - width), _clamp(box[3] - height, canvas[1] - height)
    choices = [
        *((x, y) for x in (box[2] + gap, box[0] - gap - width) for y in (top, bottom_end)),
        *((x, y) for y in (box[3] + gap, box[1] - gap - height) for x in (left, right_end)),
    ]
    for x, y in choices:
        if x >= 0 and y >= 0 and x + width <= canvas[0] and y + height <= canvas[1]:
            return round(x), round(y)
    return None


def _clamp(value: float, most: float) -> float:
    return max(0.0, min(value, most))


def _with_strip(canvas: Image.Image, panels: Sequence[Image.Image], gap: int) -> Image.Image:
    """The canvas with the panels in a strip on the right or below, whichever gives the shorter longest side."""
    if not panels:
        return canvas
    width, height = (gap + max(piece.size[axis] for piece in panels) for axis in (0, 1))
    rows = max(1, (canvas.height - gap) // height)
    columns = max(1, (canvas.width - gap) // width)
    wide = canvas.width + gap + -(-len(panels) // rows) * width, max(canvas.height, height + gap)
    tall = max(canvas.width, width + gap), canvas.height + gap + -(-len(panels) // columns) * height
    on_the_right = max(wide) <= max(tall)
    whole = Image.new("RGBA", wide if on_the_right else tall, (*BACK[:3], 255))
    whole.paste(canvas)
    for index, piece in enumerate(panels):
        column, row = divmod(index, rows) if on_the_right else reversed(divmod(index, columns))
        start = (canvas.width, 0) if on_the_right else (0, canvas.height)
        whole.alpha_composite(piece, (start[0] + gap + column * width, start[1] + gap + row * height))
    return whole
