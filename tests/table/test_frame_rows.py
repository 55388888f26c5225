from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mien.table import frame_rows as module
from mien.table.frame_rows import FACELESS, FrameRowReader, FrameRows
from mien.table.reader import AnnotatedTable, TableError

FACES = [(0, 0.0, 4), (0, 0.0, 7), (2, 0.1, -1), (3, 0.4, 7), (3, 0.4, None), (9, 1.0, 4)]


class Batched(AnnotatedTable):
    """Batches of so few rows that they divide frames."""

    few = 1

    def batches(self, columns: Sequence[str] | None = None, size: int = 4096) -> Iterator[pa.RecordBatch]:
        return super().batches(columns, min(size, self.few))


def whole(table: AnnotatedTable, **options: bool) -> tuple[FrameRowReader, FrameRows]:
    reader = FrameRowReader(table, **options)
    parts = list(reader)
    found = parts[0]
    for part in parts[1:]:
        found = found + part
    return reader, found


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_rows_do_not_depend_on_the_batches(tmp_path: Path, annotations: Callable[..., Path], size: int) -> None:
    table = Batched(annotations(tmp_path / "t.parquet", FACES, smooth=True))
    table.few = size
    reader, found = whole(table)
    assert found.positions.tolist() == [0, 0, 1, 2, 2, 3]
    assert found.frames.tolist() == [0, 0, 2, 3, 3, 9]
    assert found.spans == pytest.approx([0.1, 0.1, 0.3, 0.6, 0.6, 0.6])  # the last as long as the one before
    assert list(reader.tracks) == [(0, "track 4"), (0, "track 7"), (0, "face 1")]
    assert found.keys.tolist() == [0, 1, FACELESS, 1, 2, 0]
    assert found.values.shape == (6, 26)
    assert np.isnan(found.values[2]).all()
    assert found.smooth[0] == pytest.approx(found.values[0] / 10)
    assert found.shown[0] == pytest.approx(found.smooth[0])
    for part in reader:
        assert len(np.unique(part.positions)) >= 1


def test_frames_are_whole(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    faces = [(frame, frame / 25, track) for frame in range(20) for track in range(7)]
    table = Batched(annotations(tmp_path / "t.parquet", faces))
    table.few = 5
    parts = list(FrameRowReader(table))
    assert sum(map(len, parts)) == 140
    assert all((np.bincount(part.frames)[np.unique(part.frames)] == 7).all() for part in parts)


def test_without_labels_and_without_smoothing(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    table = AnnotatedTable(annotations(tmp_path / "t.parquet", FACES))
    assert whole(table, values=False)[1].values.shape == (6, 0)
    found = whole(table)[1]
    assert np.isnan(found.smooth).all()
    assert found.shown[0] == pytest.approx(found.values[0])


def test_pictures_have_no_times_and_one_track(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    path = annotations(
        tmp_path / "t.parquet", [(0, 0.0, None)] * 3, video=False, input=["a.jpg", "b.jpg", "b.jpg"], face=[0, 0, 1]
    )
    reader, found = whole(AnnotatedTable(path))
    assert list(reader.inputs) == ["a.jpg", "b.jpg"]
    assert list(reader.tracks) == [(0, "all faces")]
    assert found.spans.tolist() == [1, 1, 1]
    assert found.positions.tolist() == [0, 1, 1]


def test_tracks_of_two_videos_are_four(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    faces = [(0, 0.0, 0), (0, 0.0, 1), (0, 0.0, 0), (0, 0.0, 1)]
    path = annotations(tmp_path / "t.parquet", faces, input=["a.mp4"] * 2 + ["b.mp4"] * 2)
    reader, found = whole(AnnotatedTable(path))
    assert found.keys.tolist() == [0, 1, 2, 3]
    assert [number for number, _ in reader.tracks] == [0, 0, 1, 1]


def test_rows_without_a_time_are_refused(tmp_path: Path, annotations: Callable[..., Path]) -> None:
    path = annotations(tmp_path / "t.parquet", [(0, 0.0, 0), (1, 1.0, 0)], time=[0.0, None])
    with pytest.raises(TableError, match="has rows without a frame or a time"):
        list(FrameRowReader(AnnotatedTable(path)))
    assert module.BOX == ("x", "y", "width", "height")
