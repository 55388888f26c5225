"""Videos from the columns of a manifest, with their frames in order, and their panels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from fixtures.metrics_oracle import concordance
from mien.learn.data.manifest import Manifest, ManifestError, read_manifest
from mien.learn.plots import curves as module
from mien.learn.plots.curves import Curve, curves, draw
from mien.tasks import AFFECT, Kind, Task

Make = Callable[..., Manifest]


@pytest.fixture
def make(make_set: Callable[..., Path], tmp_path: Path) -> Make:
    def made(rows: list[dict[str, Any]]) -> Manifest:
        return read_manifest(make_set(tmp_path / "set", rows, np.zeros((len(rows), 8, 8, 1), np.uint8)))

    return made


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    found: list[Figure] = []
    monkeypatch.setattr(module, "write", lambda picture, _: found.append(picture))
    return found


def values(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (n, 2))


def test_each_video_has_its_frames_in_order(make: Make) -> None:
    rows = [("b", 3), ("a", 9), ("b", 1), ("b", 2), ("a", 4), (None, 0)]
    manifest = make([{"video": video, "frame": frame} for video, frame in rows])
    predicted, true = values(6), values(6, 1)
    found = curves(predicted, true, manifest)
    assert [(curve.name, curve.frames.tolist()) for curve in found] == [("b", [1, 2, 3]), ("a", [4, 9]), ("", [0])]
    assert (found[0].predicted == predicted[[2, 3, 0]]).all()
    assert (found[0].true == true[[2, 3, 0]]).all()


def test_another_column_may_name_the_video(make: Make) -> None:
    manifest = make([{"clip": 7}, {"clip": 8}, {"clip": 7}])
    assert [(c.name, c.frames.tolist()) for c in curves(values(3), values(3), manifest, group="clip")] == [
        ("7", [0, 1]),
        ("8", [0]),
    ]
    (whole,) = curves(values(3), values(3), manifest)
    assert (whole.name, whole.frames.tolist()) == ("", [0, 1, 2])
    with pytest.raises(ManifestError, match=r"has no column tape, which names the video"):
        curves(values(3), values(3), manifest, group="tape")


def test_a_frame_without_a_number_is_refused(make: Make) -> None:
    manifest = make([{"video": "a", "frame": 0}, {"video": "a", "frame": None}])
    with pytest.raises(ManifestError, match=r"row 1: frame .* is not a number"):
        curves(values(2), values(2), manifest)


def test_concordance_is_that_of_the_annotated_frames() -> None:
    true = values(9)
    true[3:6, 0] = np.nan
    true[:, 1] = np.nan
    curve = Curve("a", np.arange(9.0), values(9, 1), true)
    known = [0, 1, 2, 6, 7, 8]
    assert curve.concordance(0) == pytest.approx(concordance(curve.predicted[known, 0], true[known, 0]))
    assert curve.concordance(1) is None


def test_a_panel_for_each_video_and_dimension(drawn: list[Figure]) -> None:
    found = [Curve(f"v{n}", np.arange(n) * 2.0, values(n), values(n, 1)) for n in (5, 9, 3)]
    found[1].true[4:, 1] = np.nan
    draw(found, AFFECT, Path("any.png"), most=2)
    (picture,) = drawn
    titles = [axes.get_title(loc="left") for axes in picture.axes]
    ccc = {(n, d): f"{found[n].concordance(d):.2f}" for n in (0, 1) for d in (0, 1)}
    assert titles == [
        f"v5: valence, CCC {ccc[0, 0]}",
        f"v5: arousal, CCC {ccc[0, 1]}",
        f"v9: valence, CCC {ccc[1, 0]}",
        f"v9: arousal, CCC {ccc[1, 1]}",
    ]
    lines = {line.get_color(): line for line in picture.axes[3].get_lines() if len(line.get_xdata()) == 9}  # type: ignore[arg-type]
    assert np.array_equal(np.asarray(lines[module.INK].get_ydata()), found[1].true[:, 1], equal_nan=True)
    assert np.array_equal(np.asarray(lines[module.WARM].get_ydata()), found[1].predicted[:, 1])
    assert np.array_equal(np.asarray(lines[module.WARM].get_xdata()), found[1].frames)
    every = np.concatenate([curve.true for curve in found]), np.concatenate([curve.predicted for curve in found])
    whole = Curve("", np.arange(17.0), every[1], every[0])
    head = " ".join(text.get_text() for text in picture.texts)
    assert "2 of 3 videos" in head
    assert f"valence {whole.concordance(0):.2f}, arousal {whole.concordance(1):.2f}" in head


def test_ranked_rows_are_in_the_order_of_their_true_value(drawn: list[Figure]) -> None:
    true = np.array([[0.5, 0.0], [-0.5, 0.1], [np.nan, 0.2], [0.1, np.nan]])
    draw([Curve("", np.arange(4.0), 2 * np.nan_to_num(true) / 3, true)], AFFECT, Path("any.png"), ranked=True)
    first = [np.asarray(line.get_ydata()) for line in drawn[0].axes[0].get_lines()][1:]
    assert first[1].tolist() == [-0.5, 0.1, 0.5]
    assert first[0] == pytest.approx(first[1] * 2 / 3)
    assert drawn[0].axes[0].get_title(loc="left").startswith("valence, CCC 0.")


def test_a_dimension_without_labels_and_a_long_name(drawn: list[Figure]) -> None:
    task = Task("mood", Kind.CONTINUOUS, ("calm",), ("",))
    draw([Curve("folder/" * 9 + "end", np.arange(2.0), np.zeros((2, 1)), np.full((2, 1), np.nan))], task, Path("a.png"))
    title = drawn[0].axes[0].get_title(loc="left")
    assert title.startswith("…")
    assert title.endswith("folder/end: calm, no true value")
    assert "CCC of all: calm none" in drawn[0].texts[1].get_text()


def test_the_file_is_written(tmp_path: Path) -> None:
    draw([Curve("a", np.arange(30.0), values(30), values(30, 1))], AFFECT, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as written:
        pixels = np.asarray(written.convert("RGB"))
    for colour in (module.INK, module.WARM):
        wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
        assert (np.abs(pixels.astype(int) - wanted).max(2) < 8).sum() > 100
