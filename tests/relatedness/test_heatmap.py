"""Heat maps: which cells are shown, and how, in terminals of any width and as PNG."""

import io
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from mien.relatedness.difference import diff
from mien.relatedness.heatmap import (
    HeatMap,
    difference_map,
    draw_heat_map,
    heat_map,
    save_heat_map,
    shade,
)
from mien.relatedness.heatmap_terminal import print_heat_map
from mien.relatedness.inference import distinctiveness, informativeness
from mien.relatedness.table import AFF_WILD2, AFF_WILD2_002, DU_2014, Relatedness


def counted(
    classes: int = 4, labels: tuple[str, ...] = ("scarf", "sleeve_length=short", "sleeve_length=long")
) -> Relatedness:
    """A counted table: the first class has no rows, and the others differ from it more and more."""
    weights = np.tile(np.linspace(0.1, 0.9, classes)[:, None], (1, len(labels))) ** np.arange(1, len(labels) + 1)
    support = np.full(weights.shape, 5)
    support[0] = 0
    rows = tuple(f"class_{i}" for i in range(classes))
    none = np.zeros(weights.shape, bool)
    return Relatedness("kind", "parts", rows, labels, weights, none, "counted", support)


def printed(shown: HeatMap, width: int = 120, colours: bool = False) -> str:
    file = io.StringIO()
    print_heat_map(shown, Console(file=file, width=width, color_system="truecolor" if colours else None))
    return file.getvalue()


def test_colours_go_from_light_to_dark_blue_or_brown() -> None:
    for sign in (1, -1):
        light = [sum(shade(sign * value)) for value in np.linspace(0, 1, 21)]
        assert all(a > b for a, b in pairwise(light))
    assert shade(0.0) == shade(-0.0)
    positive, negative = shade(1), shade(-1)
    assert positive[2] > positive[0]
    assert negative[0] > negative[2]


def test_a_terminal_shows_every_cell_with_its_mark() -> None:
    lines = printed(heat_map(DU_2014)).splitlines()
    assert lines[0].strip() == "action units of each expression"
    assert lines[1].split() == list(DU_2014.attribute_labels)
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:9]}
    assert list(rows) == list(DU_2014.class_labels)
    assert rows["happiness"][4] == ".51"
    assert rows["happiness"][8] == "1*"
    assert rows["neutral"] == ["·"] * 17
    assert "Du, Tao & Martinez" in lines[9]
    assert lines[-1].rstrip() == "* prototypical: always shown"


def test_cells_are_shaded_if_the_terminal_has_colours() -> None:
    shown = heat_map(DU_2014)
    text = printed(shown, colours=True)
    red, green, blue = (round(255 * part) for part in shade(0.51))
    assert f"48;2;{red};{green};{blue}m" in text
    assert "\x1b[" not in printed(shown)


def test_narrow_terminals_transpose_the_table_or_drop_columns() -> None:
    shown = heat_map(DU_2014)
    for width in (120, 80, 40):
        assert max(map(len, printed(shown, width).splitlines())) <= width
    assert printed(shown, 80).splitlines()[1].split() == list(DU_2014.class_labels)
    narrow = printed(shown, 40)
    columns = narrow.splitlines()[1].split()
    most = np.sort(np.argsort(-informativeness(DU_2014), kind="stable")[: len(columns)])
    assert columns == [DU_2014.attribute_labels[at] for at in most]
    assert 3 <= len(columns) < 17
    assert f"{len(columns)} of 17 attributes: those that reveal" in narrow


def test_cells_without_rows_are_marked() -> None:
    text = printed(heat_map(counted()))
    assert ".10~" in text
    assert "~ no rows counted" in text
    assert text.count("~") == 3 + 1  # the cells of the first class, and the note
    assert "length=" in text.splitlines()[2]


def test_of_many_classes_the_most_distinctive_are_shown() -> None:
    table = counted(50)
    shown = heat_map(table, 4)
    far = np.argsort(distinctiveness(table))[-4:]
    assert shown.rows == tuple(f"class_{at}" for at in sorted(far))
    assert shown.notes[-1] == "4 of 50 classes: those whose attributes stand out most"
    assert shown.values.shape == shown.marked.shape == shown.faint.shape == (4, 3)


def test_a_difference_has_signs_and_keeps_the_columns_that_differ_most() -> None:
    shown = difference_map(diff(AFF_WILD2, AFF_WILD2_002), "003", "002")
    assert shown.title == "002 minus 003"
    texts = {shown.text(row, column) for row, column in np.ndindex(shown.values.shape)}
    assert texts == {"", "-.10", "-.38", "-.15", "-.21", "-.23"}
    assert shown.limited(2).columns == ("AU05", "AU09")
    turned = difference_map(diff(AFF_WILD2_002, AFF_WILD2), "002", "003", most=2)
    assert turned.rows == ("fear", "disgust")
    assert turned.text(0, 3) == "+.38"


@pytest.mark.parametrize(
    "shown",
    [
        heat_map(DU_2014),
        heat_map(counted()),
        heat_map(counted(1, ("one",))),
        heat_map(replace(DU_2014, source="")),
        difference_map(diff(DU_2014, AFF_WILD2), "a", "b"),
    ],
    ids=["named", "counted", "one cell", "no source", "difference"],
)
def test_a_png_has_the_colour_of_the_largest_cell(shown: HeatMap, tmp_path: Path) -> None:
    save_heat_map(shown, tmp_path / "heat.png")
    with Image.open(tmp_path / "heat.png") as picture:
        assert picture.format == "PNG"
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
    darkest = tuple(round(255 * part) for part in shade(float(shown.values.flat[np.abs(shown.values).argmax()])))
    assert min(max(abs(a - b) for a, b in zip(darkest, colour, strict=True)) for colour in colours) <= 3


def test_a_figure_has_every_number_and_leaves_global_state_alone() -> None:
    figure = draw_heat_map(heat_map(DU_2014))
    axes = figure.axes[0]
    shown = heat_map(DU_2014)
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    for row, column in np.ndindex(shown.values.shape):
        assert texts[column, row] == shown.text(row, column)
    assert sum(patch.get_linewidth() == 1.8 for patch in axes.patches) == DU_2014.prototypical.sum()
    assert [label.get_text() for label in axes.get_yticklabels()] == list(DU_2014.class_labels)
    assert "matplotlib.pyplot" not in sys.modules


def test_a_png_has_a_limited_number_of_columns() -> None:
    wide = counted(3, tuple(f"a{i}" for i in range(90)))
    axes = draw_heat_map(heat_map(wide)).axes[0]
    assert len(axes.get_xticklabels()) == 60
    assert any("60 of 90 attributes" in text.get_text() for text in axes.texts)
