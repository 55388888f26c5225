"""A frame of a video's overlay: boxes, track numbers and, in a strip beside it, the readings of each face."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from PIL import Image, ImageDraw

from mien.annotate.schema import Row
from mien.faces.detect import LANDMARKS, Pixels
from mien.overlay.panel import (
    BACK,
    GREY,
    MOST_BARS,
    SMOOTH,
    WIDTH,
    Colour,
    Point,
    disc,
    font,
    headline,
    panel,
    panel_size,
    plane_axes,
)
from mien.overlay.picture import colour_of, tag
from mien.tasks import Kind, Task

SHORTEST, LONGEST = 640, 1920
"""A video is enlarged or reduced until its longer side lies between these, in pixels."""

PANELS = 6
"""So many faces at once have a panel; the others have box, number and points."""

TRAIL, HOLD = 2.0, 1.0
"""Seconds that the trail goes back, and that the panel of a lost face stays, dimmed."""

LEAST = 7.5
"""Pixels: letters are no smaller."""

SPACE = 0.6
"""Between panels, in units."""


@dataclass(frozen=True)
class Layout:
    """Where things lie; the same for all frames of a video.

    Args:
        video: width and height of the picture as it is drawn.
        size: of the whole, both even.
        unit: the height of letters, in pixels.
        corners: upper left corners of the panels.
    """

    video: tuple[int, int]
    size: tuple[int, int]
    unit: float
    corners: tuple[tuple[int, int], ...]


def layout(width: int, height: int, tasks: Sequence[Task], panels: int) -> Layout:
    """The strip is at the right. As many panels stand above each other as stay legible.

    Args:
        width, height: of the video's frames.
        tasks: what a panel shows.
        panels: how many there shall be room for, 1 to :data:`PANELS`.
    """
    panels = min(max(1, panels), PANELS)
    longest = max(width, height)
    grow = min(max(longest, SHORTEST), LONGEST) / longest
    video = max(1, round(grow * width)), max(1, round(grow * height))
    tall = panel_size(tasks, 100)[1] / 100 + SPACE
    foot = 2.0  # units below the panels: frame and time
    fits = [count for count in range(1, panels + 1) if video[1] / (count * tall + foot) >= max(LEAST, max(video) / 85)]
    lines = max(fits, default=1)
    unit = max(LEAST, min(max(video) / 60, video[1] / (lines * tall + foot)))
    across, down, gap = round((WIDTH + SPACE) * unit), round(tall * unit), round(SPACE * unit)
    columns = -(-panels // lines)
    whole = video[0] + gap + columns * across, max(video[1], round((lines * tall + foot) * unit))
    corners = tuple((video[0] + gap + index // lines * across, gap + index % lines * down) for index in range(panels))
    return Layout(video, (whole[0] + whole[0] % 2, whole[1] + whole[1] % 2), unit, corners)


@dataclass
class _Seen:
    """What is remembered of a track."""

    time: float
    trail: deque[tuple[float, Point]] = field(default_factory=deque)
    panel: Image.Image | None = None
    slot: int | None = None


class Scene:
    """Draws frame after frame; remembers trails, and which panel is whose.

    A face keeps its panel as long as it is seen, and its colour for good. Where the table has smoothed values, they
    are shown.

    Args:
        width, height: of the first frame; later ones of another size are fitted into it.
        tasks: the label space of the rows. Of more than ``MOST_BARS`` attributes the first ones are shown.
        panels: see :func:`layout`.
        original: width and height of the pictures that the rows' places are in; those of each frame by default.
    """

    def __init__(
        self,
        width: int,
        height: int,
        tasks: Sequence[Task],
        panels: int = 1,
        original: tuple[int, int] | None = None,
    ) -> None:
        self._original = original
        self.tasks = _first_bars(tasks)
        self.layout = layout(width, height, self.tasks, panels)
        self._axes = plane_axes(self.tasks)
        self._tracks: dict[int, _Seen] = {}
        self._blank = Image.new("RGB", self.layout.size, BACK[:3])

    def draw(self, pixels: Pixels, time: float, rows: Sequence[Row]) -> Image.Image:
        """A frame with its faces, an RGB image.

        Args:
            pixels: H x W x 3 uint8 RGB.
            time: in seconds.
            rows: of this frame.
        """
        canvas = self._blank.copy()
        scale, start = self._paste(canvas, pixels)
        faces = [shown(row, self.tasks) for row in rows if row.get("face") is not None]
        draw = ImageDraw.Draw(canvas)
        for row in faces:
            self._draw_face(canvas, draw, row, scale, start, 1.9 if len(faces) <= 2 else 1.2)
        for row in faces:
            self._remember(row, time)
        self._draw_panels(canvas, time)
        self._draw_foot(draw, time, rows, bool(faces))
        return canvas

    def _paste(self, canvas: Image.Image, pixels: Pixels) -> tuple[Point, Point]:
        """The frame into its place; returns what its coordinates are to be multiplied by, and added to."""
        (high, wide), (width, height) = pixels.shape[:2], self.layout.video
        scale = min(width / wide, height / high)
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        start = (width - size[0]) // 2, (height - size[1]) // 2
        image = Image.fromarray(pixels)
        canvas.paste(image if size == image.size else image.resize(size, Image.Resampling.BILINEAR), start)
        original = self._original or (wide, high)
        return (size[0] / original[0], size[1] / original[1]), start

    def _draw_face(
        self,
        canvas: Image.Image,
        draw: ImageDraw.ImageDraw,
        row: Row,
        scale: Point,
        start: Point,
        widest: float,
    ) -> None:
        """Box, points and tag; a tag that were wider than so many faces has the number alone."""
        colour, unit = colour_of(_key(row)), self.layout.unit
        left, top = row["x"] * scale[0] + start[0], row["y"] * scale[1] + start[1]
        wide, high = row["width"] * scale[0], row["height"] * scale[1]
        right, bottom = left + wide, top + high
        side = min(wide, high)
        thick = 1 if side < 24 else max(2, round(0.15 * unit))
        draw.rounded_rectangle(tuple(map(round, (left, top, right, bottom))), 0.06 * side, outline=colour, width=thick)
        if side >= 32:  # on smaller faces they would hide the face
            point = _point(round(min(max(0.018 * side, 0.16 * unit), 0.4 * unit), 1), colour)
            for name in LANDMARKS:
                if row.get(f"{name}_x") is not None:
                    x, y = row[f"{name}_x"] * scale[0] + start[0], row[f"{name}_y"] * scale[1] + start[1]
                    canvas.paste(point, (round(x - point.width / 2), round(y - point.height / 2)), point)
        small = min(unit, max(LEAST, 0.2 * side))
        text = "  ".join(filter(None, (_number(row), headline(row, self.tasks) if _read(row, self.tasks) else "")))
        if 0.55 * small * len(text) > widest * side:  # about as wide as it is written
            text = _number(row)
        if text:
            tag(canvas, (left, top, min(right, self.layout.video[0]), min(bottom, self.layout.video[1])), text, small,
                colour)  # fmt: skip

    def _remember(self, row: Row, time: float) -> None:
        """The trail of a face, and its panel if there is room for one."""
        if not _read(row, self.tasks):
            return
        key = _key(row)
        seen = self._tracks.get(key)
        if seen is None or time - seen.time > HOLD:
            seen = self._tracks[key] = _Seen(time, slot=seen.slot if seen else None)
        seen.time = time
        if row.get("track") is not None and self._axes:
            seen.trail.append((time, (row[self._axes[0]], row[self._axes[1]])))
            while seen.trail[0][0] < time - TRAIL:
                seen.trail.popleft()
        if seen.slot is None:
            seen.slot = self._free(time)
        if seen.slot is not None:
            title = "  ".join(filter(None, (_number(row), headline(row, self.tasks))))
            trail = [point for _, point in seen.trail][:-1]
            seen.panel = panel(title, row, self.tasks, self.layout.unit, colour_of(key), trail)

    def _free(self, time: float) -> int | None:
        """A panel's place that nobody has, or else that of a face that is gone."""
        self._tracks = {key: seen for key, seen in self._tracks.items() if time - seen.time <= HOLD}
        taken = {seen.slot for seen in self._tracks.values()}
        return next((slot for slot in range(len(self.layout.corners)) if slot not in taken), None)

    def _draw_panels(self, canvas: Image.Image, time: float) -> None:
        for seen in self._tracks.values():
            if seen.slot is not None and seen.panel is not None and 0 <= time - seen.time <= HOLD:
                piece = seen.panel if seen.time == time else Image.blend(seen.panel, _empty(seen.panel.size), 0.6)
                canvas.paste(piece, self.layout.corners[seen.slot], piece)

    def _draw_foot(self, draw: ImageDraw.ImageDraw, time: float, rows: Sequence[Row], found: bool) -> None:
        unit, height = self.layout.unit, self.layout.size[1]
        minutes, seconds = divmod(max(0.0, time), 60)
        number = next((f"frame {row['frame']}" for row in rows if row.get("frame") is not None), "")
        text = f"{int(minutes)}:{seconds:06.3f}   {number}" + ("" if found else "   no face found")
        left = self.layout.corners[0][0]
        draw.text((left + 0.7 * unit, height - unit), text, GREY[:3], font(0.95 * unit), anchor="lm")


def shown(row: Row, tasks: Sequence[Task]) -> Row:
    """The row with its smoothed values in the place of the raw ones, where it has them."""
    changed: Row = {}
    for task in tasks:
        values = {label: row.get(f"{label}_smooth") for label in task.labels}
        if None in values.values():
            continue
        changed |= values
        if task.kind is Kind.CLASSES:
            changed[task.name] = max(values, key=lambda label: values[label] or 0)
    return {**row, **changed} if changed else row


def _read(row: Row, tasks: Sequence[Task]) -> bool:
    """Whether the network read the face; one that is only tracked has null labels."""
    return all(row.get(task.labels[0]) is not None for task in tasks if task.labels)


def _key(row: Row) -> int:
    track = row.get("track")
    return int(row["face"]) if track is None else int(track)


def _number(row: Row) -> str:
    return "" if row.get("track") is None else str(row["track"])


def _first_bars(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks with at most ``MOST_BARS`` attributes: bars that change places could not be followed."""
    left, kept = MOST_BARS, []
    for task in tasks:
        if task.kind is Kind.ATTRIBUTES:
            task = replace(task, labels=task.labels[:left], meanings=task.meanings[:left])
            left -= len(task)
        kept.append(task)
    return tuple(kept)


@lru_cache(256)
def _point(radius: float, colour: Colour) -> Image.Image:
    side = 2 * round(radius) + 3
    image = Image.new("RGBA", (side * SMOOTH * 2, side * SMOOTH * 2))
    big = SMOOTH * 2 * radius
    middle = image.width / 2
    disc(ImageDraw.Draw(image), (middle, middle), big, (*colour, 255), BACK, max(1, round(0.25 * big)))
    return image.reduce(SMOOTH * 2)


@lru_cache(8)
def _empty(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGBA", size, (*BACK[:3], 255))
