"""The panel of one face: its most probable class, a bar for each attribute, a plot of two continuous values."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from mien.annotate.schema import Row
from mien.tasks import Kind, Task

SMOOTH = 2
"""Everything is drawn this many times larger and reduced, which smooths lines and circles."""

MOST_BARS = 20
"""Of a label space with more attributes the most probable ones are shown."""

BACK, PLANE = (18, 20, 26, 215), (34, 37, 46, 235)
WHITE, GREY, FAINT = (255, 255, 255, 255), (168, 174, 186, 255), (70, 75, 86, 255)

Colour = tuple[int, int, int]
Paint = tuple[int, int, int, int]


def headline(row: Row, tasks: Sequence[Task]) -> str:
    """``happiness 93%``, or an empty string where no task has classes."""
    task = next((task for task in tasks if task.kind is Kind.CLASSES), None)
    return "" if task is None else f"{row[task.name]} {100 * row[row[task.name]]:.0f}%"


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that an overlay looks the same everywhere."""
    return ImageFont.load_default(size)


def disc(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, fill: Paint, outline: Paint, width: int
) -> None:
    """A filled circle with an outline."""
    (x, y), r = centre, radius
    draw.ellipse((x - r, y - r, x + r, y + r), fill, outline, width)


def panel(title: str, row: Row, tasks: Sequence[Task], unit: float, colour: Colour) -> Image.Image:
    """A panel as an RGBA image, about 16 ``unit`` wide; ``unit`` is the height of its letters in pixels."""
    bars = [(label, row[label]) for task in tasks if task.kind is Kind.ATTRIBUTES for label in task.labels]
    if len(bars) > MOST_BARS:
        bars = sorted(bars, key=lambda bar: -bar[1])[:MOST_BARS]
    axes = [label for task in tasks if task.kind is Kind.CONTINUOUS for label in task.labels]
    half = -(-len(bars) // 2)
    big = unit * SMOOTH
    line, edge, width = 1.28 * big, 0.7 * big, 17 * big
    top = edge + 1.7 * big
    plot = 6.4 * big if len(axes) == 2 else 0.0
    height = top + half * line + (plot + 0.8 * big if plot else 0) + edge
    image = Image.new("RGBA", (round(width), round(height)))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), 0.6 * big, BACK)
    draw.rounded_rectangle((edge, edge + 0.1 * big, edge + 0.3 * big, edge + 1.2 * big), 0.15 * big, (*colour, 255))
    draw.text((edge + 0.7 * big, edge + 0.65 * big), title, WHITE, font(1.15 * big), anchor="lm")
    column = (width - 3 * edge) / 2
    for index, (label, value) in enumerate(bars):
        corner = edge + index // half * (column + edge), top + index % half * line
        _bar(draw, corner, column, big, label, value, colour)
    if plot:
        _plot(draw, (edge, top + half * line + 0.5 * big), plot, big, axes, [row[axis] for axis in axes], colour)
    return image.reduce(SMOOTH)


def _bar(
    draw: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    width: float,
    unit: float,
    label: str,
    value: float,
    colour: Colour,
) -> None:
    """A label and a bar for a probability; bright from one half on."""
    x, y = corner
    text = label if len(label) <= 9 else label[:8] + "."
    draw.text((x, y + 0.6 * unit), text, WHITE if value >= 0.5 else GREY, font(0.95 * unit), anchor="lm")
    left, right = x + (2.9 if len(label) <= 4 else 4.4) * unit, x + width
    top, bottom = y + 0.3 * unit, y + 0.9 * unit
    draw.rounded_rectangle((left, top, right, bottom), 0.3 * unit, FAINT)
    length = value * (right - left)
    if length >= 0.6 * unit:
        draw.rounded_rectangle((left, top, left + length, bottom), 0.3 * unit, (*colour, 255) if value >= 0.5 else GREY)


def _plot(
    draw: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    side: float,
    unit: float,
    axes: Sequence[str],
    values: Sequence[float],
    colour: Colour,
) -> None:
    """The plane of two values in [-1, 1], the second upwards, with a dot; the numbers stand beside it."""
    x, y = corner
    middle, radius, thin = (x + side / 2, y + side / 2), side / 2, max(1, round(unit / 14))
    draw.rounded_rectangle((x, y, x + side, y + side), 0.3 * unit, PLANE, FAINT, thin)
    draw.ellipse((x, y, x + side, y + side), outline=FAINT, width=thin)
    draw.line((x, middle[1], x + side, middle[1]), FAINT, thin)
    draw.line((middle[0], y, middle[0], y + side), FAINT, thin)
    small = font(0.8 * unit)
    draw.text((x + side - 0.2 * unit, middle[1] + 0.1 * unit), axes[0][:1].upper(), GREY, small, anchor="ra")
    draw.text((middle[0] + 0.25 * unit, y + 0.1 * unit), axes[1][:1].upper(), GREY, small, anchor="la")
    dot = middle[0] + values[0] * radius, middle[1] - values[1] * radius
    draw.line((*middle, *dot), (*colour, 255), 2 * thin)
    disc(draw, dot, 0.42 * unit, (*colour, 255), WHITE, thin)
    for index, (axis, value) in enumerate(zip(axes, values, strict=True)):
        left, height = x + side + 0.8 * unit, y + side / 2 + (index - 0.5) * 2.8 * unit
        draw.text((left, height - 0.65 * unit), axis, GREY, font(0.95 * unit), anchor="lm")
        draw.text((left, height + 0.55 * unit), f"{value:+.2f}", WHITE, font(1.2 * unit), anchor="lm")
