import numpy as np
import pytest

from mien.annotate.schema import Row
from mien.overlay.panel import font, headline, panel, panel_size, plane_axes
from mien.tasks import FACE, Kind, Task

AMBER = (255, 196, 61)


def row(value: float = 0.7, **values: float) -> Row:
    return {**dict.fromkeys((label for task in FACE for label in task.labels), value), "expression": "fear", **values}


@pytest.mark.parametrize("unit", [7.5, 10.0, 24.3])
def test_a_panel_has_its_computed_size(unit: float) -> None:
    assert panel("a", row(), FACE, unit, AMBER).size == panel_size(FACE, unit)


def test_cached_pieces_are_not_drawn_into() -> None:
    first = panel("a", row(), FACE, 10, AMBER)
    other = panel("b", row(0.2), FACE, 10, AMBER)
    assert panel("a", row(), FACE, 10, AMBER).tobytes() == first.tobytes() != other.tobytes()


def test_bars_are_as_long_as_their_values() -> None:
    def paint(value: float) -> int:
        pixels = np.asarray(panel("", row(0.0, AU12=value), FACE, 20, AMBER), int)
        return int((np.abs(pixels[40:-150, :, :3] - AMBER).sum(2) < 12).sum())

    full = paint(1.0)
    assert paint(0.0) == 0
    assert paint(0.75) == pytest.approx(0.75 * full, rel=0.05)
    assert paint(0.49) == 0  # grey below one half


@pytest.mark.parametrize(("valence", "arousal"), [(0.8, 0.6), (0.8, -0.6), (-0.8, 0.6), (-0.8, -0.6)])
def test_the_dot_is_at_the_values_of_the_plane(valence: float, arousal: float) -> None:
    pixels = np.asarray(panel("", row(0.0, valence=valence, arousal=arousal), FACE, 20, AMBER), int)
    side = 6.4 * 20
    left, top = 0.7 * 20, pixels.shape[0] - 0.7 * 20 - side
    y, x = np.argwhere(np.abs(pixels[150:, : round(left + side), :3] - AMBER).sum(2) < 12).T
    dot = x > np.quantile(x, 0.9) if valence > 0 else x < np.quantile(x, 0.1)  # the far end of the line to the middle
    assert (x[dot].mean() - left) / side * 2 - 1 == pytest.approx(valence, abs=0.15)
    assert 1 - (y[dot].mean() + 150 - top) / side * 2 == pytest.approx(arousal, abs=0.15)


def test_the_trail_is_drawn_inside_the_plane() -> None:
    plain = np.asarray(panel("a", row(valence=-0.5, arousal=0.5), FACE, 20, AMBER), int)
    trail = [(0.9, -0.9), (0.5, 0.0), (0.0, 0.4)]
    drawn = np.asarray(panel("a", row(valence=-0.5, arousal=0.5), FACE, 20, AMBER, trail), int)
    changed = np.argwhere(np.abs(plain - drawn).sum(2) > 30)
    top = round(plain.shape[0] - 0.7 * 20 - 6.4 * 20)
    assert len(changed) > 50
    assert changed[:, 0].min() >= top - 20
    assert changed[:, 1].max() < 0.7 * 20 + 6.4 * 20 + 1


def test_the_plane_needs_exactly_two_continuous_labels() -> None:
    one = (Task("size", Kind.CONTINUOUS, ("width",), ("",)),)
    assert (plane_axes(FACE), plane_axes(one)) == (["valence", "arousal"], [])
    assert panel_size(one, 10)[1] < panel_size(FACE[2:], 10)[1]
    assert headline({}, one) == ""
    assert headline(row(fear=0.93), FACE) == "fear 93%"


def test_fonts_are_loaded_once() -> None:
    assert font(9.01) is font(8.99)
