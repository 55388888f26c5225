"""Tracking: identities of constructed boxes."""

from itertools import permutations

import numpy as np
import pytest

from mien.faces.track import OVERLAP, Tracker, largest, overlaps

Boxes = list[tuple[float, float, float, float]]


def follow(frames: list[Boxes], step: float = 0.04, **options: float) -> list[list[int | None]]:
    tracker = Tracker(**options)
    return [tracker(boxes, [0.9] * len(boxes), number * step) for number, boxes in enumerate(frames)]


def face(x: float, y: float = 100, side: float = 60) -> tuple[float, float, float, float]:
    return (x, y, side, side)


def test_each_face_keeps_its_own_identity() -> None:
    frames = [[face(100 + 3 * k), face(400 - 2 * k, 90)] for k in range(50)]
    assert follow(frames) == [[0, 1]] * 50


def test_identities_follow_the_boxes_not_their_order() -> None:
    frames = [[face(100), face(300)] if k % 2 else [face(300), face(100)] for k in range(10)]
    assert follow(frames) == [[0, 1] if k % 2 == 0 else [1, 0] for k in range(10)]


@pytest.mark.parametrize("apart", [70, 40, 15])
def test_faces_that_cross_do_not_swap(apart: float) -> None:
    frames = [[face(4 * k), face(400 - 4 * k, 100 + apart)] for k in range(100)]
    assert follow(frames) == [[0, 1]] * 100


def test_a_pan_does_not_swap_identities() -> None:
    """After half a face's width the nearest box is the neighbour's; only all pairs together identify the faces."""
    still = [[face(100), face(170)]] * 5
    assert follow([*still, [face(140), face(210)]])[-1] == [0, 1]


@pytest.mark.parametrize("gap", [1, 10, 24])
def test_a_lost_face_keeps_its_identity_within_the_patience(gap: int) -> None:
    frames = [[face(100)]] * 5 + [[]] * gap + [[face(110)]] * 3
    assert [ids for ids in follow(frames, patience=1.0) if ids] == [[0]] * 8


def test_a_lost_face_gets_a_new_identity_after_the_patience() -> None:
    frames = [[face(100)]] * 5 + [[]] * 26 + [[face(100)]] * 3
    assert [ids for ids in follow(frames, patience=1.0) if ids] == [[0]] * 5 + [[1]] * 3
    assert [ids for ids in follow(frames, patience=2.0) if ids] == [[0]] * 8


def test_consecutive_frames_far_apart_in_time() -> None:
    assert follow([[face(100)], [face(110)], [face(120)]], step=5.0) == [[0]] * 3
    assert follow([[face(100)], [], [face(120)]], step=5.0) == [[0], [], [1]]


def test_a_hidden_face_that_keeps_moving_is_found() -> None:
    frames = [[face(100 + 6 * k)] for k in range(20)] + [[]] * 8 + [[face(100 + 6 * k)] for k in range(28, 32)]
    assert {ids[0] for ids in follow(frames) if ids} == {0}


def test_a_cut_starts_new_identities() -> None:
    frames = [[face(100), face(300)]] * 5 + [[face(180, 130, 120)]] * 5
    assert follow(frames)[-1] == [2]


def test_variable_frame_times() -> None:
    times = np.cumsum(np.random.default_rng(0).choice([0.008, 0.04, 0.2], 100))
    tracker = Tracker()
    ids = [tracker([face(100 * time), face(2000 - 100 * time, 130)], [0.9, 0.9], time) for time in times.tolist()]
    assert ids == [[0, 1]] * 100


def test_the_same_boxes_give_the_same_identities_again() -> None:
    """A resumed run passes the boxes of the journal to the tracker again."""
    generator = np.random.default_rng(1)
    frames = [[face(*generator.uniform(0, 500, 2), 80) for _ in range(generator.integers(0, 8))] for _ in range(200)]
    whole = follow(frames)
    tracker = Tracker()
    for stop in (1, 77, 200):
        tracker = Tracker()
        ids = [
            tracker(np.float32(boxes).reshape(-1, 4), [0.9] * len(boxes), k * 0.04)
            for k, boxes in enumerate(frames[:stop])
        ]
        assert ids == whole[:stop]
        assert [
            tracker(boxes, [0.9] * len(boxes), (k + stop) * 0.04) for k, boxes in enumerate(frames[stop:])
        ] == whole[stop:]


def test_a_box_with_a_low_score_continues_a_track_but_starts_none() -> None:
    tracker = Tracker(sure=0.6)
    assert tracker([face(100)], [0.5], 0.0) == [None]
    assert tracker([face(100)], [0.9], 0.1) == [0]
    assert tracker([face(103)], [0.5], 0.2) == [0]


def test_pairs_have_the_largest_sum_of_overlaps() -> None:
    """Against all permutations of crowded faces."""
    generator = np.random.default_rng(2)
    for _ in range(50):
        corners = generator.uniform(0, 60, (2, 4, 2))
        before, now = np.concatenate([corners, np.full((2, 4, 2), 60.0)], axis=2)
        likeness = overlaps(before, now)
        likeness[likeness < OVERLAP] = 0
        tracker = Tracker()
        tracker(before, np.ones(4), 0.0)
        ids = tracker(now, np.ones(4), 1.0)
        reached = sum(likeness[i, box] for box, i in enumerate(ids) if i is not None and i < 4)
        assert reached == pytest.approx(max(sum(likeness[order, range(4)]) for order in permutations(range(4))))


def test_hundreds_of_faces_keep_their_identities() -> None:
    generator = np.random.default_rng(3)
    grid = np.array([(70 * x, 70 * y, 50, 50) for x in range(20) for y in range(20)], float)
    tracker = Tracker()
    for k in range(5):
        boxes = grid + generator.normal(0, 2, grid.shape) * [1, 1, 0, 0]
        assert tracker(boxes, np.ones(400), 0.04 * k) == list(range(400))


def test_no_faces_and_bad_calls() -> None:
    tracker = Tracker()
    assert tracker([], [], 0.0) == []
    with pytest.raises(ValueError, match="1 boxes but 2 scores"):
        tracker([face(1)], [0.9, 0.9], 0.1)
    with pytest.raises(ValueError, match="order of time"):
        tracker([face(1)], [0.9], 0.0)


def test_the_largest_faces_do_not_alternate() -> None:
    tracker, kept = Tracker(), []
    for k in range(10):
        boxes = [face(100, side=60 + k % 2), face(300, side=60 + (k + 1) % 2)]
        (index,) = largest(boxes, tracker.known(boxes, 0.1 * k), 1)
        kept.append(index)
        tracker([boxes[index]], [0.9], 0.1 * k)
    assert len(set(kept)) == 1
    grown = [face(100), face(300, side=100)]
    assert largest(grown, tracker.known(grown, 1.0), 1) == [1]
    assert largest(grown, tracker.known(grown, 1.0), None) == [0, 1]
    assert largest([], tracker.known([], 1.0), 3) == []
