"""Samples have the requested rows, the same for the same seed."""

import numpy as np
import pyarrow as pa
import pytest

from mien.learn.data.manifest.columns import ManifestError
from mien.learn.data.steps.sample import every, per_class, rows

ALL = np.ones(60, bool)


@pytest.fixture
def table() -> pa.Table:
    kinds = ["fear"] * 30 + ["anger"] * 8 + [None] * 22
    splits = ["train", "valid"] * 30
    return pa.table({"path": [f"{n}.jpg" for n in range(60)], "split": splits, "expression": kinds})


def kept(found: dict[str, np.ndarray]) -> np.ndarray:
    (dropped,) = found.values()
    return np.flatnonzero(~dropped)


def test_frames_are_counted_by_number_in_any_order() -> None:
    frames = [9, 0, 3, 1, 4, 2, None, 3, 30]
    video = pa.table({"path": ["v.mp4"] * 9, "frame": frames})
    assert sorted(frames[row] for row in kept(every(video, np.ones(9, bool), frames=3)) if row != 6) == [0, 3, 3, 9, 30]
    gone = np.array([frame != 0 for frame in frames])
    left = kept(every(video, gone, frames=3))
    assert [frames[row] for row in left] == [9, 0, 1, 4, None, 30]  # 0 was excluded before, so 1 is the first


def test_videos_with_the_same_name_are_separate_for_each_subject() -> None:
    video = pa.table(
        {"path": list("abcd"), "subject": ["1", "1", "2", "2"], "video": ["T1"] * 4, "frame": [0, 1, 1, 2]}
    )
    assert kept(every(video, np.ones(4, bool), frames=5)).tolist() == [0, 2]


def test_every_needs_a_column_of_frames(table: pa.Table) -> None:
    with pytest.raises(ManifestError, match="has no column frame"):
        every(table, ALL, frames=5)


def test_random_rows_of_all_splits_or_of_one(table: pa.Table) -> None:
    first, again, other = (kept(rows(table, ALL, count=13, seed=seed)) for seed in (1, 1, 2))
    assert len(first) == 13
    assert first.tolist() == again.tolist() != other.tolist()
    some = kept(rows(table, ALL, count=4, seed=0, split="train"))
    assert (some % 2 == 0).sum() == 4
    assert (some % 2 == 1).sum() == 30
    assert len(kept(rows(table, ALL, count=100, seed=0))) == 60
    with pytest.raises(ManifestError, match="no rows of split 'test'"):
        rows(table, ALL, count=4, seed=0, split="test")


def test_the_same_number_of_each_class(table: pa.Table) -> None:
    found = kept(per_class(table, ALL, task="expression", count=10, seed=0))
    assert (found < 30).sum() == 10
    assert ((found >= 30) & (found < 38)).sum() == 8
    assert (found >= 38).sum() == 22  # unlabelled rows are kept
    with pytest.raises(ManifestError, match="has no column sign"):
        per_class(table, ALL, task="sign", count=10, seed=0)
