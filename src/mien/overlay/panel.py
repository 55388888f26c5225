"""The panel of one face: its most probable class, a bar for each attribute, and a plot of two continuous values.

The frames of a video show the same few pieces, so titles, bars and planes are drawn once and cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont

from mien.annotate.schema import Row
from mien.tasks import Kind, Task

SMOOTH = 2
"""Everything is drawn this many times larger and then reduced, which smooths lines and circles."""

MOST_BARS = 20
"""Most bars in a panel; if there are more attributes, the most probable ones are shown."""

BACK, PLANE = (18, 20, 26, 215), (34, 37, 46, 235)
WHITE, GREY, FAINT = (255, 255, 255, 255), (168, 174, 186, 255), (70, 75, 86, 255)

WIDTH, LINE, EDGE, HEAD, PLOT, GAP = 17.0, 1.28, 0.7, 1.7, 6.4, 0.8
"""Width of the panel, height of a bar's line, margin, height of the title's line, side of the plot and space above it,
in units."""

Colour = tuple[int, int, int]
Paint = tuple[int, int, int, int]
Point = tuple[float, float]


def headline(row: Row, tasks: Sequence[Task]) -> str:
    """The most probable class, such as ``happiness 93%``; empty if no task has classes."""
    task = next((task for task in tasks if task.kind is Kind.CLASSES), None)
    return "" if task is None else f"{row[task.name]} {100 * row[row[task.name]]:.0f}%"


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's built-in font, so that an overlay looks the same everywhere."""
    return _load_font(round(4 * size) / 4)


@lru_cache
def _load_font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def disc(draw: ImageDraw.ImageDraw, centre: Point, radius: float, fill: Paint, outline: Paint, width: int) -> None:
    """Draw a filled circle with an outline."""
    (x, y), r = centre, radius
    draw.ellipse((x - r, y - r, x + r, y + r), fill, outline, width)


def plane_axes(tasks: Sequence[Task]) -> list[str]:
    """The two continuous labels that the plane shows; empty unless there are exactly two."""
    axes = [label for task in tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    return axes if len(axes) == 2 else []


def panel_size(tasks: Sequence[Task], unit: float) -> tuple[int, int]:
    """The width and the height of a panel in pixels."""
    count = min(MOST_BARS, sum(len(task) for task in tasks if task.kind is Kind.ATTRIBUTES))
    height = 2 * EDGE + HEAD + -(-count // 2) * LINE + (PLOT + GAP if plane_axes(tasks) else 0)
    return round(WIDTH * unit), round(height * unit)


def panel(
    title: str, row: Row, tasks: Sequence[Task], unit: float, colour: Colour, trail: Sequence[Point] = ()
) -> Image.Image:
    """Draw a panel as an RGBA image, 17 units wide.

    Args:
        title: the first line.
        row: the row of the face.
        tasks: the label space of the row.
        unit: the height of letters in pixels.
        colour: the colour of the face.
        trail: earlier values of the plane's two labels, oldest first, drawn fading.
    """
    bars = [(label, row[label]) for task in tasks if task.kind is Kind.ATTRIBUTES for label in task.labels]
    if len(bars) > MOST_BARS:
        bars = sorted(bars, key=lambda bar: -bar[1])[:MOST_BARS]
    image = _backdrop(panel_size(tasks, unit), unit).copy()
    edge, top, half = round(EDGE * unit), (EDGE + HEAD) * unit, -(-len(bars) // 2)
    image.paste(_title(title, image.width - 2 * edge, unit, colour), (edge, edge))
    column = (image.width - 3 * edge) // 2
    for index, (label, value) in enumerate(bars):
        filled = round(value * column * SMOOTH) / (column * SMOOTH)
        corner = edge + index // half * (column + edge), round(top + index % half * LINE * unit)
        image.paste(_bar(label, filled, value >= 0.5, column, unit, colour), corner)
    if axes := plane_axes(tasks):
        corner = edge, round(top + (half * LINE + GAP - 0.3) * unit)
        values = row[axes[0]], row[axes[1]]
        plot = _plot(tuple(axes), values, trail, unit, colour)
        image.paste(plot, corner)
        for index, (axis, value) in enumerate(zip(axes, values, strict=True)):
            place = corner[0] + plot.width + round(0.8 * unit), corner[1] + round((1.9 + 2.8 * (index - 0.5)) * unit)
            image.paste(_number(axis, f"{value:+.2f}", image.width - edge - place[0], unit), place)
    return image


def _large(size: Point, fill: Paint = BACK) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A canvas to reduce later. It has the colour of the panel, so that the piece can be pasted without a mask."""
    image = Image.new("RGBA", (max(1, round(size[0])) * SMOOTH, max(1, round(size[1])) * SMOOTH), fill)
    return image, ImageDraw.Draw(image)


@lru_cache(64)
def _backdrop(size: tuple[int, int], unit: float) -> Image.Image:
    image, draw = _large(size, (0, 0, 0, 0))
    draw.rounded_rectangle((0, 0, image.width - 1, image.height - 1), 0.6 * SMOOTH * unit, BACK)
    return image.reduce(SMOOTH)


@lru_cache(512)
def _title(text: str, width: int, unit: float, colour: Colour) -> Image.Image:
    image, draw = _large((width, 1.4 * unit))
    big = unit * SMOOTH
    draw.rounded_rectangle((0, 0.1 * big, 0.3 * big, 1.2 * big), 0.15 * big, (*colour, 255))
    draw.text((0.7 * big, 0.65 * big), text, WHITE, font(1.15 * big), anchor="lm")
    return image.reduce(SMOOTH)


@lru_cache(8192)
def _bar(label: str, value: float, bright: bool, width: int, unit: float, colour: Colour) -> Image.Image:
    """A label and a bar for a probability, in the colour of the face from 0.5 on (``bright``)."""
    image, draw = _large((width, 1.1 * unit))
    big = unit * SMOOTH
    text = label if len(label) <= 9 else label[:8] + "."
    draw.text((0, 0.6 * big), text, WHITE if bright else GREY, font(0.95 * big), anchor="lm")
    left, right = (2.9 if len(label) <= 4 else 4.4) * big, image.width - 1
    top, bottom = 0.3 * big, 0.9 * big
    draw.rounded_rectangle((left, top, right, bottom), 0.3 * big, FAINT)
    length = value * (right - left)
    if length >= 0.6 * big:
        draw.rounded_rectangle((left, top, left + length, bottom), 0.3 * big, (*colour, 255) if bright else GREY)
    return image.reduce(SMOOTH)


@lru_cache(64)
def _plane(axes: tuple[str, ...], unit: float) -> Image.Image:
    """The empty plane of two values in [-1, 1], not reduced yet."""
    image, draw = _large((PLOT * unit, PLOT * unit))
    big, end = unit * SMOOTH, image.width - 1
    middle, thin = end / 2, max(1, round(big / 14))
    draw.rounded_rectangle((0, 0, end, end), 0.3 * big, PLANE, FAINT, thin)
    draw.ellipse((0, 0, end, end), outline=FAINT, width=thin)
    draw.line((0, middle, end, middle), FAINT, thin)
    draw.line((middle, 0, middle, end), FAINT, thin)
    small = font(0.8 * big)
    draw.text((end - 0.2 * big, middle + 0.1 * big), axes[0][:1].upper(), GREY, small, anchor="ra")
    draw.text((middle + 0.25 * big, 0.1 * big), axes[1][:1].upper(), GREY, small, anchor="la")
    return image


def _plot(axes: tuple[str, ...], values: Point, trail: Sequence[Point], unit: float, colour: Colour) -> Image.Image:
    """The plane, with the second value pointing up, a dot at the values and the trail that leads to it."""
    image = _plane(axes, unit).copy()
    draw = ImageDraw.Draw(image)
    big, middle = unit * SMOOTH, (image.width - 1) / 2
    thin = max(1, round(big / 14))
    points = [(middle + x * middle, middle - y * middle) for x, y in (*trail, values)]
    if trail:
        for index, (start, stop) in enumerate(pairwise(points), 1):
            share = index / len(trail)
            paint = tuple(round(back + share * (top - back)) for back, top in zip(PLANE, colour, strict=False))
            draw.line((*start, *stop), paint, 2 * thin)
    else:
        draw.line((middle, middle, *points[-1]), (*colour, 255), 2 * thin)
    disc(draw, points[-1], 0.42 * big, (*colour, 255), WHITE, thin)
    return image.reduce(SMOOTH)


@lru_cache(1024)
def _number(axis: str, number: str, width: int, unit: float) -> Image.Image:
    """The name of a value, above the value."""
    image, draw = _large((width, 2.6 * unit))
    big = unit * SMOOTH
    draw.text((0, 0.65 * big), axis, GREY, font(0.95 * big), anchor="lm")
    draw.text((0, 1.85 * big), number, WHITE, font(1.2 * big), anchor="lm")
    return image.reduce(SMOOTH)
