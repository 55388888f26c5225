from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from mien.report import scan as report_scan
from mien.report.scan import scan
from mien.table.reader import AnnotatedTable, TableError
from mien.tasks import FACE, Kind, Task

FACES = [(0, 0.0, 0), (0, 0.0, 1), (1, 0.1, 0), (2, 0.4, -1), (3, 0.5, 0)]


def test_counts_times_and_tracks(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", FACES)))
    assert (found.frames, found.empty, found.first, found.last, found.bin) == (4, 1, 0.0, 0.5, 0.0)
    assert (found.inputs, found.timed, found.smoothed) == (["a.mp4"], True, False)
    first, second = found.tracks
    assert (first.name, first.faces, first.first, first.last) == ("track 0", 3, 0.0, 0.5)
    assert first.seconds == pytest.approx(0.1 + 0.3 + 0.1)
    assert (second.name, second.faces) == ("track 1", 1)
    assert len(found.cloud) == 0


def test_shares_and_means_are_weighted_by_time(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    values = {label: [0.1, 0.1, 0.1, None, 0.1] for task in FACE for label in task.labels}
    values |= {
        "fear": [0.9, 0.1, 0.05, None, 0.9],
        "AU12": [0.5, 0.1, 0.4, None, 0.6],
        "arousal": [0.5, 0, -1, None, 1],
    }
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", FACES, **values)))
    first = found.tracks[0]
    spans = np.array([0.1, 0.3, 0.1]) / 0.5
    assert first.share["fear"] == pytest.approx(spans[0] + spans[2])
    assert first.share["AU12"] == pytest.approx(spans[0] + spans[2])
    assert first.mean["arousal"] == pytest.approx((spans * [0.5, -1, 1]).sum())
    assert sum(first.share[label] for label in FACE[0].labels) == pytest.approx(1)
    assert dict(zip(found.quadrants, first.quadrants, strict=True)) == pytest.approx(
        {"valence +, arousal +": 0.4, "valence +, arousal -": 0.6, "valence -, arousal +": 0, "valence -, arousal -": 0}
    )


def test_peaks_are_among_faces_that_show_the_label(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    values = {label: [0.1, 0.1, 0.1, None, 0.1] for task in FACE for label in task.labels}
    values |= {
        "fear": [0.3, 0.8, 0.6, None, 0.3],
        "anger": [0.2, 0.7, 0.1, None, 0.4],  # highest where fear is higher
        "AU12": [0.5, 0.2, 0.9, None, 0.6],
        "arousal": [0.5, 0.0, -0.3, None, 0.6],
    }
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", FACES, **values)))
    peaks = {(peak.label, peak.value > 0): peak for peak in found.peaks}
    assert {label for label, _ in peaks} == {"fear", "anger", "AU12", "valence", "arousal"}
    assert (peaks["fear", True].track, peaks["fear", True].frame) == ("track 1", 0)
    assert peaks["fear", True].box == (70, 12, 40, 44)
    assert (peaks["anger", True].frame, peaks["anger", True].value) == (3, pytest.approx(0.4))
    assert peaks["AU12", True].time == 0.1
    assert (peaks["arousal", True].value, peaks["arousal", False].value) == (pytest.approx(0.6), pytest.approx(-0.3))
    order = [peak.label for peak in found.peaks]
    assert order == sorted(order, key=[label for task in FACE for label in task.labels].index)


def test_smoothed_values_are_used_if_there_are_any(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    path = annotations(tmp_path / "t.parquet", FACES, smooth=True)
    found, raw = scan(AnnotatedTable(path)), pq.read_table(path).to_pylist()
    assert found.smoothed
    peak = next(peak for peak in found.peaks if peak.label == "valence")
    assert peak.value == pytest.approx(max(row["valence"] or 0 for row in raw) / 10)
    assert found.tracks[0].share["AU12"] == 0


def test_the_size_of_batches_makes_no_difference(
    tmp_path: Path, annotations: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = [(frame, frame / 25, track) for frame in range(60) for track in range(3) if (frame // 9 + track) % 4]
    path = annotations(tmp_path / "t.parquet", faces)
    once = scan(AnnotatedTable(path))
    batches = AnnotatedTable.batches
    monkeypatch.setattr(AnnotatedTable, "batches", lambda self, columns=None: batches(self, columns, 2))
    again = scan(AnnotatedTable(path))
    assert again.peaks == once.peaks
    for one, other in zip(once.tracks, again.tracks, strict=True):
        assert (one.name, one.faces) == (other.name, other.faces)
        assert one.mean == pytest.approx(other.mean)
        assert one.curves is not None
        assert other.curves is not None
        assert np.array_equal(one.curves.values, other.curves.values, equal_nan=True)


def test_only_the_longest_tracks_of_a_crowd_have_curves(
    tmp_path: Path, annotations: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_scan, "MAX_CURVES", 3)
    faces = [(frame, frame / 25, track) for frame in range(12) for track in range(frame, 12)]
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", faces)))
    assert [track.name for track in found.tracks[:4]] == ["track 11", "track 10", "track 9", "track 8"]
    assert [track.curves is not None for track in found.tracks] == [True] * 3 + [False] * 9


def test_pictures_are_one_track_with_a_cloud(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    names = [f"{index}.jpg" for index in range(50)]
    path = annotations(tmp_path / "t.parquet", [(0, 0.0, None)] * 50, video=False, input=names, face=[0] * 50)
    found = scan(AnnotatedTable(path))
    assert (found.timed, found.frames, len(found.inputs), len(found.tracks)) == (False, 50, 50, 1)
    assert found.cloud.shape == (50, 26)
    assert found.tracks[0].seconds == 50
    assert {peak.input for peak in found.peaks} <= set(names)


def test_no_faces_and_no_rows(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", [(0, 0.0, -1), (1, 0.04, -1)])))
    assert (found.frames, found.empty, found.tracks, found.peaks) == (2, 2, [], [])
    pictures = annotations(tmp_path / "p.parquet", [(0, 0.0, -1)] * 2, video=False, input=["a.jpg", "b.jpg"])
    found = scan(AnnotatedTable(pictures))
    assert (found.frames, found.empty, found.tracks, found.cloud.shape) == (2, 2, [], (0, 26))
    with pytest.raises(TableError, match="the table is empty"):
        scan(AnnotatedTable(annotations(tmp_path / "e.parquet", [])))


def test_another_label_space(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    birds = (Task("bird", Kind.CLASSES, ("wren", "robin"), ("", "")), Task("size", Kind.CONTINUOUS, ("size_x",), ("",)))
    found = scan(AnnotatedTable(annotations(tmp_path / "t.parquet", FACES, birds)))
    assert found.quadrants == []
    assert {peak.label for peak in found.peaks} <= {"wren", "robin", "size_x"}
