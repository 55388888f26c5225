import numpy as np
import pytest

from mien.report.decimate import HIGH, LOW, MIDDLE, POINTS, SMOOTH, Curves, Decimator, bin_width
from mien.table.frame_rows import FACELESS, FrameRows


def rows(frames: list[int], keys: list[int], step: float = 0.04, labels: int = 3, seed: int = 0) -> FrameRows:
    count = len(frames)
    values = np.random.default_rng(seed).random((count, labels))
    number = np.array(frames)
    positions = np.searchsorted(np.unique(number), number)
    zeros = np.zeros(count, np.int64)
    spans, boxes = np.full(count, step), np.zeros((count, 4))
    return FrameRows(zeros, positions, number, number * step, spans, np.array(keys), boxes, values, values / 10)


def decimated(given: FrameRows, width: float, pieces: int = 1, kept: tuple[int, ...] = (0, 1)) -> dict[int, Curves]:
    decimator = Decimator(width, 0.04, kept)
    cuts = np.unique(given.positions)[:: max(1, len(np.unique(given.positions)) // pieces)][1:]
    for start, stop in zip([0, *cuts], [*cuts, np.inf], strict=True):
        decimator.add(given[(given.positions >= start) & (given.positions < stop)])
    return decimator.curves()


def test_few_rows_are_kept_unchanged() -> None:
    given = rows([0, 0, 1, 1, 2], [0, 1, 0, 1, 0])
    found = decimated(given, 0)
    assert found[0].times == pytest.approx([0, 0.04, 0.08])
    for kind in (MIDDLE, LOW, HIGH):
        assert found[0].values[:, kind] == pytest.approx(given.values[[0, 2, 4]])
    assert found[0].values[:, SMOOTH] == pytest.approx(given.values[[0, 2, 4]] / 10)
    assert found[1].values[:, MIDDLE] == pytest.approx(given.values[[1, 3]])


def test_frames_without_the_track_are_a_gap_but_unsampled_ones_are_not() -> None:
    given = rows([0, 1, 2, 3, 4, 5, 9], [0, 0, FACELESS, 1, 0, 0, 0])
    found = decimated(given, 0)[0]
    assert found.times == pytest.approx([0, 0.04, 0.06, 0.14, 0.16, 0.2, 0.36])  # no frame was sampled from 6 to 8
    assert np.isnan(found.values[:, MIDDLE, 0]).tolist() == [False, False, True, True, False, False, False]


def test_a_long_pause_is_a_gap() -> None:
    found = decimated(rows([0, 1, 100, 101], [0] * 4), 0)[0]
    assert np.isnan(found.values[:, MIDDLE, 0]).tolist() == [False, False, True, True, False, False]
    short = decimated(rows([0, 1, 26, 27], [0] * 4), 0)[0]  # one second
    assert not np.isnan(short.values[:, MIDDLE, 0]).any()


@pytest.mark.parametrize("pieces", [1, 3, 40])
def test_bins_have_median_minimum_and_maximum(pieces: int) -> None:
    frames = [frame for frame in range(200) for _ in range(2)]
    given = rows(frames, [0, 1] * 200)
    found = decimated(given, 0.4, pieces)
    bins = np.floor(given.times / 0.4)
    assert len(found[0].times) == 20
    for at in range(20):
        mine = given.values[(bins == at) & (given.keys == 0)]
        assert found[0].values[at, MIDDLE] == pytest.approx(np.median(mine, axis=0))
        assert found[0].values[at, LOW] == pytest.approx(mine.min(0))
        assert found[0].values[at, HIGH] == pytest.approx(mine.max(0))
        assert found[0].values[at, SMOOTH] == pytest.approx(np.median(mine, axis=0) / 10)


def test_missing_values_are_ignored_in_a_bin() -> None:
    given = rows([0, 1, 2, 20, 21], [0] * 5)
    given.values[[0, 3, 4]] = np.nan
    found = decimated(given, 0.4)[0]
    assert found.values[0, MIDDLE] == pytest.approx(np.median(given.values[1:3], axis=0))
    assert found.values[0, HIGH] == pytest.approx(given.values[1:3].max(0))
    assert np.isnan(found.values[1, [MIDDLE, LOW, HIGH]]).all()
    assert np.isfinite(found.values[1, SMOOTH]).all()


def test_only_kept_tracks_have_curves() -> None:
    assert set(decimated(rows([0, 0, 1], [0, 1, 1]), 0, kept=(1,))) == {1}
    assert Decimator(0, 1, []).curves() == {}


def test_a_long_video_is_reduced_to_the_number_of_points() -> None:
    count = 60_000
    width = bin_width(count * 0.04, count)
    found = decimated(rows(list(range(count)), [0] * count, labels=2), width, 15)
    assert len(found[0].times) == pytest.approx(POINTS, rel=0.01)
    assert bin_width(9.0, POINTS) == 0
