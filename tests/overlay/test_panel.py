import numpy as np
import pytest

from mien.annotate.schema import Row
from mien.overlay.panel import font, headline, panel, panel_size, plane_axes
from mien.tasks import FACE, Kind, Task

AMBER = (255, 196, 61)


def row(value: float = 0.7, **values: float) -> Row:
    return {**dict.fromkeys((label for task in FACE for label in task.labels), value), "expression": "fear", **values}


@pytest.mark.parametrize("unit", [7.5, 10.0, 24.3])
def test_a_panel_has_the_size_that_was_told(unit: float) -> None:
    assert panel("a", row(), FACE, unit, AMBER).size == panel_size(FACE, unit)


def test_the_same_row_is_the_same_panel_and_none_is_drawn_into_a_kept_one() -> None:
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


def test_the_trail_ends_at_the_dot() -> None:
    plain = np.asarray(panel("a", row(valence=-0.5, arousal=0.5), FACE, 20, AMBER), int)
    trail = [(0.9, -0.9), (0.5, 0.0), (0.0, 0.4)]
    drawn = np.asarray(panel("a", row(valence=-0.5, arousal=0.5), FACE, 20, AMBER, trail), int)
    changed = np.argwhere(np.abs(plain - drawn).sum(2) > 30)
    top = round(plain.shape[0] - 0.7 * 20 - 6.4 * 20)
    assert len(changed) > 50
    assert changed[:, 0].min() >= top - 20
    assert changed[:, 1].max() < 0.7 * 20 + 6.4 * 20 + 1


def test_only_two_continuous_labels_make_a_plane() -> None:
    one = (Task("size", Kind.CONTINUOUS, ("width",), ("",)),)
    assert (plane_axes(FACE), plane_axes(one)) == (["valence", "arousal"], [])
    assert panel_size(one, 10)[1] < panel_size(FACE[2:], 10)[1]
    assert headline({}, one) == ""
    assert headline(row(fear=0.93), FACE) == "fear 93%"


def test_fonts_are_loaded_once() -> None:
    assert font(9.01) is font(8.99)
