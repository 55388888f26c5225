from collections.abc import Callable
from pathlib import Path

import pytest

from mien.report.scan import scan
from mien.report.text import CAUTION, MOST, about, clock, errors, gallery, lead, title, tracks
from mien.table.reader import AnnotatedTable


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (9.96, "0:09.9"), (59.99, "0:59.9"), (60, "1:00.0"), (3661.9, "1:01:01")]
)
def test_times_are_rounded_down(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_first_lines(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", [(0, 0.0, 0), (1, 0.5, -1)], name="x/my film.mp4")))
    assert title(found, "t.parquet") == "my film.mp4"
    assert lead(found, {"model": "m", "mien_version": "1"}) == (
        "0:00.0 to 0:00.5; 2 frames looked at, a face in 50.0 % of them; 1 track. Read by m with mien 1."
    )
    two = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", [(0, 0.0, 0)] * 2, input=["a.mp4", "b.mp4"])))
    assert title(two, "d/t.parquet") == "t.parquet"
    assert "; 2 tracks; 2 videos." in lead(two, {})


def test_long_lists_are_cut(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    crowd = [(0, 0.0, track) for track in range(MOST + 7)]
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", crowd)))
    assert "... and 7 more tracks." in tracks(found)
    assert errors([]) == ""
    assert "1 input could not be read" in errors([{"input": "a", "error": "b"}])


def test_labels_that_are_never_there_are_named(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    path = annotations(tmp_path / "t.parquet", [(0, 0.0, 0)], AU12=[0.1], AU25=[0.9])
    text = gallery(scan(AnnotatedTable(path)), {})
    assert "AU12" in text.split("Never present: ")[1]
    assert "AU25" not in text.split("Never present: ")[1]


def test_metadata_of_any_kind() -> None:
    text = about({"options": '{"fps": 2.5}', "list": "[1, 2]", "word": "plain", "number": "3", "tasks": "[]"}, "t")
    for part in ("options: fps</td><td class=long>2.5", "<summary>show", "plain", ">3<"):
        assert part in text
    assert "tasks" not in text


def test_no_more_is_said_of_probabilities_than_is_known() -> None:
    """The bundled networks are calibrated, others may be."""
    assert "not calibrated" not in CAUTION
    assert "calibrated on" in about({}, "t")
