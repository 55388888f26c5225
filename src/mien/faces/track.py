"""Tracking: identifies faces from frame to frame by their boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float64]

OVERLAP = 0.2
"""A track continues where its box and the new one have at least this intersection over union: at the same size, the
face has moved by at most two thirds of its width. Boxes do not reveal a cut that puts one face in another's place."""

COAST = 0.2
"""Time constant in seconds with which a face out of sight slows down: people who turn away seldom keep moving."""

NEW_STEP = 0.5
"""Weight of the newest step in the velocity of a face; the previous velocity has the remaining weight."""


@dataclass(frozen=True)
class _Track:
    identity: int
    box: Reals
    velocity: Reals
    seen: float

    def expected(self, time: float) -> Reals:
        """The expected box of the face at ``time``: it keeps its direction and slows down."""
        shift = self.velocity * COAST * (1 - np.exp(-(time - self.seen) / COAST))
        return np.concatenate([self.box[:2] + shift, self.box[2:]])

    def moved(self, box: Reals, time: float) -> _Track:
        step = (box[:2] + box[2:] / 2 - self.box[:2] - self.box[2:] / 2) / (time - self.seen)
        return _Track(self.identity, box, NEW_STEP * step + (1 - NEW_STEP) * self.velocity, time)


class Tracker:
    """Assigns identities to the faces of a video, frame by frame.

    Tracks and boxes are paired to maximise the sum of their overlaps (SORT, Bewley et al. 2016, with a damped velocity
    in pixels per second instead of a Kalman filter over frames, because the time between frames varies). The result
    depends only on the boxes and times so far: the same boxes get the same identities again.

    Args:
        patience: seconds for which a track without a face is kept. A track with a face in the previous frame is always
            kept.
        sure: a box with a lower score continues a track but does not start one.

    Example:
        >>> tracker = Tracker()
        >>> tracker([[0, 0, 50, 50]], [0.9], time=0.0)
        [0]
        >>> tracker([[200, 0, 50, 50], [4, 0, 50, 50]], [0.9, 0.9], time=0.04)
        [1, 0]
    """

    def __init__(self, *, patience: float = 1.0, sure: float = 0.6) -> None:
        self.patience, self.sure = patience, sure
        self._tracks: list[_Track] = []
        self._count, self._before = 0, -np.inf

    def __call__(self, boxes: ArrayLike, scores: ArrayLike, time: float) -> list[int | None]:
        """Return the identities of the faces in a frame, numbered from 0 in order of appearance.

        Args:
            boxes: N x 4, each x, y, width, height.
            scores: N, the detector's confidence.
            time: time of the frame in seconds, later than in the last call.

        Raises:
            ValueError: if the time is not later, or the lengths differ.
        """
        new, confidences = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(scores, np.float64).ravel()
        if len(new) != len(confidences):
            raise ValueError(f"got {len(new)} boxes but {len(confidences)} scores")
        if time <= self._before:
            raise ValueError(f"frames must be in order of time; {time:g} s follows {self._before:g} s")
        alive = self._alive(time)
        owners: list[_Track | None] = [None] * len(new)
        for track, box in _pairs(self._overlaps(alive, new, time)):
            owners[box] = alive[track].moved(new[box], time)
        for box in range(len(new)):
            if owners[box] is None and confidences[box] >= self.sure:
                owners[box] = _Track(self._count, new[box], np.zeros(2), time)
                self._count += 1
        seen = {owner.identity for owner in owners if owner}
        self._tracks = [owner for owner in owners if owner] + [t for t in alive if t.identity not in seen]
        self._before = time
        return [owner.identity if owner else None for owner in owners]

    def known(self, boxes: ArrayLike, time: float) -> NDArray[np.bool_]:
        """Which of N x 4 boxes are on a tracked face; does not update the tracks."""
        new = np.asarray(boxes, np.float64).reshape(-1, 4)
        known: NDArray[np.bool_] = np.any(self._overlaps(self._alive(time), new, time) >= OVERLAP, axis=0)
        return known

    def _alive(self, time: float) -> list[_Track]:
        return [t for t in self._tracks if time - t.seen <= self.patience or t.seen == self._before]

    @staticmethod
    def _overlaps(tracks: list[_Track], boxes: Reals, time: float) -> Reals:
        """Tracks x boxes: overlap with the last or the expected box of the track, whichever is larger."""
        if not tracks:
            return np.zeros((0, len(boxes)))
        last = np.array([track.box for track in tracks])
        expected = np.array([track.expected(time) for track in tracks])
        return np.maximum(overlaps(last, boxes), overlaps(expected, boxes))


def overlaps(some: Reals, others: Reals) -> Reals:
    """Intersection over union of N x 4 and M x 4 boxes (x, y, width, height): N x M."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum((some[:, :2] + some[:, 2:])[:, None], (others[:, :2] + others[:, 2:])[None])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    union = np.prod(some[:, 2:], axis=1)[:, None] + np.prod(others[:, 2:], axis=1)[None] - common
    ratio: Reals = common / np.maximum(union, np.finfo(float).tiny)
    return ratio


def _pairs(overlap: Reals) -> list[tuple[int, int]]:
    """Row and column of each pair: each overlaps by at least :data:`OVERLAP`, and the sum is the largest."""
    near = overlap >= OVERLAP
    if (near.sum(0) <= 1).all() and (near.sum(1) <= 1).all():  # there is only one pairing, as in most frames
        rows, columns = np.nonzero(near)
    else:
        from scipy.optimize import linear_sum_assignment  # takes half a second, and most videos do not need it

        rows, columns = linear_sum_assignment(np.where(near, overlap, 0.0), maximize=True)
    return [(r, c) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if near[r, c]]


def largest(boxes: ArrayLike, known: NDArray[np.bool_], count: int | None) -> list[int]:
    """Indices of the ``count`` largest faces in order (None: all).

    The area of a tracked face counts twice, so that two faces of similar size do not alternate.

    Args:
        boxes: N x 4.
        known: N, see :meth:`Tracker.known`.
        count: number of faces to keep.
    """
    new = np.asarray(boxes, np.float64).reshape(-1, 4)
    area = np.prod(new[:, 2:], axis=1) * np.where(known, 2.0, 1.0)
    order = np.argsort(-area, kind="stable")[: len(area) if count is None else count]
    return sorted(order.tolist())
