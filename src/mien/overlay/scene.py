"""The frames of a video overlay: boxes, track numbers and, in a strip on the right, the labels of each face."""

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
from mien.overlay.picture import Box, colour_of, tag
from mien.tasks import Kind, Task

MIN_SIDE, MAX_SIDE = 640, 1920
"""A video is enlarged or reduced until its longer side is between these, in pixels."""

MAX_PANELS = 6
"""Most faces with a panel at the same time; further faces only have a box, a number and points."""

TRAIL, HOLD = 2.0, 1.0
"""Length of the trail, and how long the panel of a lost face stays, dimmed, in seconds."""

MIN_UNIT = 7.5
"""The smallest height of letters in pixels."""

PANEL_GAP = 0.6
"""The space between panels, in units."""


@dataclass(frozen=True)
class FrameLayout:
    """The layout of all frames of a video.

    Args:
        video: width and height of the frame as it is drawn.
        size: width and height of the whole image, both even.
        unit: the height of letters in pixels.
        corners: the upper left corners of the panels.
    """

    video: tuple[int, int]
    size: tuple[int, int]
    unit: float
    corners: tuple[tuple[int, int], ...]


def frame_layout(width: int, height: int, tasks: Sequence[Task], panels: int) -> FrameLayout:
    """Arrange the frame with a strip of panels on its right, each column with as many panels as stay legible.

    Args:
        width, height: size of the frames of the video.
        tasks: the label space that a panel shows.
        panels: the number of panels to make room for, 1 to :data:`MAX_PANELS`.
    """
    panels = min(max(1, panels), MAX_PANELS)
    longest = max(width, height)
    grow = min(max(longest, MIN_SIDE), MAX_SIDE) / longest
    video = max(1, round(grow * width)), max(1, round(grow * height))
    tall = panel_size(tasks, 100)[1] / 100 + PANEL_GAP
    footer = 2.0  # units below the panels, for the time and the frame
    legible = max(MIN_UNIT, max(video) / 85)
    fits = [count for count in range(1, panels + 1) if video[1] / (count * tall + footer) >= legible]
    lines = max(fits, default=1)
    unit = max(MIN_UNIT, min(max(video) / 60, video[1] / (lines * tall + footer)))
    across, down, gap = round((WIDTH + PANEL_GAP) * unit), round(tall * unit), round(PANEL_GAP * unit)
    columns = -(-panels // lines)
    whole = video[0] + gap + columns * across, max(video[1], round((lines * tall + footer) * unit))
    corners = tuple((video[0] + gap + index // lines * across, gap + index % lines * down) for index in range(panels))
    return FrameLayout(video, (whole[0] + whole[0] % 2, whole[1] + whole[1] % 2), unit, corners)


@dataclass
class _TrackState:
    """The time, the trail, the panel and the place of the panel of a track, as last seen."""

    time: float
    trail: deque[tuple[float, Point]] = field(default_factory=deque)
    panel: Image.Image | None = None
    slot: int | None = None


class Scene:
    """Draws the frames of a video in order, and keeps the trails and the panels of the tracks.

    A track keeps its panel as long as it is visible, and always keeps its colour. Smoothed values are shown if the rows
    have them.

    Args:
        width, height: size of the first frame; later frames of another size are fitted into it.
        tasks: the label space of the rows. If there are more than ``MOST_BARS`` attributes, the first are shown.
        panels: see :func:`frame_layout`.
        original: width and height of the frames that the coordinates of the rows refer to; by default, those of each
            frame as given.
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
        self.tasks = _limit_attributes(tasks)
        self.layout = frame_layout(width, height, self.tasks, panels)
        self._axes = plane_axes(self.tasks)
        self._tracks: dict[int, _TrackState] = {}
        self._blank = Image.new("RGB", self.layout.size, BACK[:3])

    def draw(self, pixels: Pixels, time: float, rows: Sequence[Row]) -> Image.Image:
        """Draw a frame with its faces; returns an RGB image.

        Args:
            pixels: H x W x 3 uint8 RGB.
            time: time of the frame in seconds.
            rows: the rows of this frame.
        """
        canvas = self._blank.copy()
        scale, start = self._paste(canvas, pixels)
        faces = [with_smoothed(row, self.tasks) for row in rows if row.get("face") is not None]
        draw = ImageDraw.Draw(canvas)
        for row in faces:
            box = self._draw_face(canvas, draw, row, scale, start)
            self._draw_tag(canvas, row, box, 1.9 if len(faces) <= 2 else 1.2)
        for row in faces:
            self._update_track(row, time)
        self._draw_panels(canvas, time)
        self._draw_footer(draw, time, rows, bool(faces))
        return canvas

    def _paste(self, canvas: Image.Image, pixels: Pixels) -> tuple[Point, Point]:
        """Paste the frame into its place; returns the scale and the offset of its coordinates."""
        (high, wide), (width, height) = pixels.shape[:2], self.layout.video
        scale = min(width / wide, height / high)
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        start = (width - size[0]) // 2, (height - size[1]) // 2
        image = Image.fromarray(pixels)
        canvas.paste(image if size == image.size else image.resize(size, Image.Resampling.BILINEAR), start)
        original = self._original or (wide, high)
        return (size[0] / original[0], size[1] / original[1]), start

    def _draw_face(self, canvas: Image.Image, draw: ImageDraw.ImageDraw, row: Row, scale: Point, start: Point) -> Box:
        """Draw the box and, unless the face is small, its points; returns the box in pixels of the canvas."""
        colour, unit = colour_of(_key(row)), self.layout.unit
        left, top = row["x"] * scale[0] + start[0], row["y"] * scale[1] + start[1]
        wide, high = row["width"] * scale[0], row["height"] * scale[1]
        right, bottom = left + wide, top + high
        side = min(wide, high)
        thick = 1 if side < 24 else max(2, round(0.15 * unit))
        draw.rounded_rectangle(tuple(map(round, (left, top, right, bottom))), 0.06 * side, outline=colour, width=thick)
        if side >= 32:  # points would hide a smaller face
            point = _point(round(min(max(0.018 * side, 0.16 * unit), 0.4 * unit), 1), colour)
            for name in LANDMARKS:
                if row.get(f"{name}_x") is not None:
                    x, y = row[f"{name}_x"] * scale[0] + start[0], row[f"{name}_y"] * scale[1] + start[1]
                    canvas.paste(point, (round(x - point.width / 2), round(y - point.height / 2)), point)
        return left, top, right, bottom

    def _draw_tag(self, canvas: Image.Image, row: Row, box: Box, widest: float) -> None:
        """Draw the tag: track and class, or only the track if the tag would be more than ``widest`` faces wide."""
        left, top, right, bottom = box
        side = min(right - left, bottom - top)
        size = min(self.layout.unit, max(MIN_UNIT, 0.2 * side))
        labelled = _is_labelled(row, self.tasks)
        text = "  ".join(filter(None, (_track_name(row), headline(row, self.tasks) if labelled else "")))
        if 0.55 * size * len(text) > widest * side:  # about the width of the text
            text = _track_name(row)
        if text:
            inside = left, top, min(right, self.layout.video[0]), min(bottom, self.layout.video[1])
            tag(canvas, inside, text, size, colour_of(_key(row)))

    def _update_track(self, row: Row, time: float) -> None:
        """Extend the trail of a face, and redraw its panel if there is room for one."""
        if not _is_labelled(row, self.tasks):
            return
        key = _key(row)
        track = self._tracks.get(key)
        if track is None or time - track.time > HOLD:
            track = self._tracks[key] = _TrackState(time, slot=track.slot if track else None)
        track.time = time
        if row.get("track") is not None and self._axes:
            track.trail.append((time, (row[self._axes[0]], row[self._axes[1]])))
            while track.trail[0][0] < time - TRAIL:
                track.trail.popleft()
        if track.slot is None:
            track.slot = self._free_slot(time)
        if track.slot is not None:
            title = "  ".join(filter(None, (_track_name(row), headline(row, self.tasks))))
            trail = [point for _, point in track.trail][:-1]
            track.panel = panel(title, row, self.tasks, self.layout.unit, colour_of(key), trail)

    def _free_slot(self, time: float) -> int | None:
        """The first panel that no visible track has. Forgets tracks that have been gone for longer than ``HOLD``."""
        self._tracks = {key: track for key, track in self._tracks.items() if time - track.time <= HOLD}
        taken = {track.slot for track in self._tracks.values()}
        return next((slot for slot in range(len(self.layout.corners)) if slot not in taken), None)

    def _draw_panels(self, canvas: Image.Image, time: float) -> None:
        for track in self._tracks.values():
            if track.slot is not None and track.panel is not None and 0 <= time - track.time <= HOLD:
                visible = track.time == time
                piece = track.panel if visible else Image.blend(track.panel, _blank_panel(track.panel.size), 0.6)
                canvas.paste(piece, self.layout.corners[track.slot], piece)

    def _draw_footer(self, draw: ImageDraw.ImageDraw, time: float, rows: Sequence[Row], found: bool) -> None:
        unit, height = self.layout.unit, self.layout.size[1]
        minutes, seconds = divmod(max(0.0, time), 60)
        number = next((f"frame {row['frame']}" for row in rows if row.get("frame") is not None), "")
        text = f"{int(minutes)}:{seconds:06.3f}   {number}" + ("" if found else "   no face found")
        left = self.layout.corners[0][0]
        draw.text((left + 0.7 * unit, height - unit), text, GREY[:3], font(0.95 * unit), anchor="lm")


def with_smoothed(row: Row, tasks: Sequence[Task]) -> Row:
    """The row with its smoothed values instead of the raw ones, for each task that has them."""
    changed: Row = {}
    for task in tasks:
        values = {label: row.get(f"{label}_smooth") for label in task.labels}
        if None in values.values():
            continue
        changed |= values
        if task.kind is Kind.CLASSES:
            changed[task.name] = max(values, key=lambda label: values[label] or 0)
    return {**row, **changed} if changed else row


def _is_labelled(row: Row, tasks: Sequence[Task]) -> bool:
    """Whether the network has labelled the face; a face that is only tracked has null labels."""
    return all(row.get(task.labels[0]) is not None for task in tasks if task.labels)


def _key(row: Row) -> int:
    """The track, or the number of the face if faces are not tracked."""
    track = row.get("track")
    return int(row["face"]) if track is None else int(track)


def _track_name(row: Row) -> str:
    return "" if row.get("track") is None else str(row["track"])


def _limit_attributes(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks with the first ``MOST_BARS`` attributes: bars that change places from frame to frame are unreadable."""
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
def _blank_panel(size: tuple[int, int]) -> Image.Image:
    return Image.new("RGBA", size, (*BACK[:3], 255))
