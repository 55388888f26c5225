"""Counts of a manifest that are known by hand, and the plot of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.learn.data.manifest import MANIFEST
from mien.learn.data.manifest import write as writing
from mien.learn.data.manifest.statistics import BINS, count
from mien.learn.data.manifest.statistics_plot import draw_statistics, save_statistics
from mien.tasks import FACE

ROWS = [
    {"expression": "fear", "AU01": 1.0, "AU02": 0.0, "valence": -0.5, "arousal": 0.5, "subject": "a"},
    {"expression": "fear", "AU01": 0.0, "subject": "a"},
    {"expression": "anger", "AU02": 1.0, "valence": 0.0, "arousal": 0.0, "subject": "b", "split": "valid"},
    {"AU01": 1.0, "valence": 1.0, "subject": "c"},
    {"expression": "fear", "AU01": 1.0, "valence": 1.0, "excluded": "rule", "subject": "d"},
]


@pytest.fixture
def folder(tmp_path: Path, make_set: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(writing, "GROUP", 2)
    return make_set(tmp_path / "set", ROWS, np.zeros((5, 4, 4, 1), np.uint8))


def test_counts(folder: Path) -> None:
    found = count(folder)
    assert found.splits == {"train": 3, "valid": 1}
    assert found.excluded == {"rule": 1}
    assert (found.rows, found.what, found.subjects, found.videos) == (4, "pictures", 3, None)
    assert found.known["expression"] == 3
    assert (found.known["AU01"], found.positive["AU01"]) == (3, 2)
    assert (found.positive["fear"], found.positive["anger"], found.positive["neutral"]) == (2, 1, 0)
    assert found.labelled.tolist() == [[3, 3, 2], [3, 4, 3], [2, 3, 3]]  # expression, action units, affect
    pairs = found.pairs["expression", "action_units"]
    fear, anger = (FACE[0].labels.index(name) for name in ("fear", "anger"))
    assert pairs[fear, 0].tolist() == [2, 1]
    assert pairs[fear, 1].tolist() == [1, 0]
    assert pairs[anger, 1].tolist() == [1, 1]
    assert pairs.sum() == 2 + 1 + 1 + 0 + 1 + 1
    assert found.plane is not None
    assert found.plane.sum() == 2
    assert found.plane[BINS // 2, BINS // 2] == 1
    assert found.plane[np.digitize(-0.5, np.linspace(-1, 1, BINS + 1)) - 1].sum() == 1


def test_the_summary_has_two_lines(folder: Path) -> None:
    lines = count(folder).summary(folder).splitlines()
    assert lines[0] == f"4 pictures in {folder}: 3 train, 1 valid"
    assert lines[1] == "labels: expression 3, AU01 3, AU02 2, valence 3, arousal 2"


def test_the_plot_has_the_labels_and_the_plane(folder: Path, tmp_path: Path) -> None:
    figure = draw_statistics(count(folder), "four rows")
    expression, units, plane, *_ = figure.axes
    assert [text.get_text() for text in expression.get_yticklabels()] == ["fear", "anger"]
    assert [text.get_text() for text in units.get_yticklabels()] == ["AU01", "AU02"]
    assert [bar.get_width() for bar in units.patches] == [3, 2, 2, 1]  # known, then positive
    assert plane.get_title(loc="left") == "affect: 2 rows"
    save_statistics(count(folder), "four rows", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_a_manifest_without_labels_and_without_a_pack(tmp_path: Path) -> None:
    writing.write_manifest(tmp_path / MANIFEST, [{"path": "a", "split": "all", "video": "v"}], FACE, {})
    found = count(tmp_path)
    assert (found.what, found.rows, found.videos, found.plane) == ("rows", 1, 1, None)
    draw_statistics(found, "nothing")
