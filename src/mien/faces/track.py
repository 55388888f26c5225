"""Which face of this frame is which of the frames before: boxes to identities that hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float64]

OVERLAP = 0.2
"""A face goes on where its box and the new one have at least this intersection over union: at one size, it has moved
by no more than two thirds of its width. Of a cut that happens to lay one face over another, boxes know nothing."""

COAST = 0.2
"""Seconds: a face that is out of sight comes to rest with this time constant. Who turns away seldom walks on."""

STEADY = 0.5
"""Share of the newest step in the velocity of a face; the rest is what was known before."""


@dataclass(frozen=True)
class _Track:
    identity: int
    box: Reals
    velocity: Reals
    seen: float

    def expected(self, time: float) -> Reals:
        """Where the face would be now if it had gone on, and come to rest."""
        shift = self.velocity * COAST * (1 - np.exp(-(time - self.seen) / COAST))
        return np.concatenate([self.box[:2] + shift, self.box[2:]])

    def moved(self, box: Reals, time: float) -> _Track:
        step = (box[:2] + box[2:] / 2 - self.box[:2] - self.box[2:] / 2) / (time - self.seen)
        return _Track(self.identity, box, STEADY * step + (1 - STEADY) * self.velocity, time)


class Tracker:
    """Gives the faces of a video identities, frame by frame.

    Tracks and boxes are paired so that the sum of their overlaps is as large as it can be (SORT, Bewley et al. 2016,
    with a damped velocity in pixels a second in place of a Kalman filter that counts frames: in a video the distance
    of frames varies). What comes out is a function of the boxes and times that went in so far: the same boxes give
    the same identities again.

    Args:
        patience: seconds for which a face that is out of sight is waited for. One that was there in the frame
            before is waited for in any case.
        sure: a box with a lower score continues a track, but begins none.
    """

    def __init__(self, *, patience: float = 1.0, sure: float = 0.6) -> None:
        self.patience, self.sure = patience, sure
        self._tracks: list[_Track] = []
        self._count, self._before = 0, -np.inf

    def __call__(self, boxes: ArrayLike, scores: ArrayLike, time: float) -> list[int | None]:
        """The identities of the faces of one frame, from 0 in the order of their appearance.

        Args:
            boxes: N x 4, each x, y, width, height.
            scores: N.
            time: of the frame in seconds; it must be later than that of the last call.

        Raises:
            ValueError: if time does not go on, or the shapes do not fit.
        """
        places, sureness = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(scores, np.float64).ravel()
        if len(places) != len(sureness):
            raise ValueError(f"there are {len(places)} boxes but {len(sureness)} scores")
        if time <= self._before:
            raise ValueError(f"the frame at {time:g} s comes after one at {self._before:g} s")
        alive = self._alive(time)
        owners: list[_Track | None] = [None] * len(places)
        for track, box in _pairs(self._likeness(alive, places, time)):
            owners[box] = alive[track].moved(places[box], time)
        for box in range(len(places)):
            if owners[box] is None and sureness[box] >= self.sure:
                owners[box] = _Track(self._count, places[box], np.zeros(2), time)
                self._count += 1
        seen = {owner.identity for owner in owners if owner}
        self._tracks = [owner for owner in owners if owner] + [t for t in alive if t.identity not in seen]
        self._before = time
        return [owner.identity if owner else None for owner in owners]

    def known(self, boxes: ArrayLike, time: float) -> NDArray[np.bool_]:
        """Which of N x 4 boxes lie on a face that is followed; nothing is learned from them."""
        places = np.asarray(boxes, np.float64).reshape(-1, 4)
        known: NDArray[np.bool_] = np.any(self._likeness(self._alive(time), places, time) >= OVERLAP, axis=0)
        return known

    def _alive(self, time: float) -> list[_Track]:
        return [t for t in self._tracks if time - t.seen <= self.patience or t.seen == self._before]

    @staticmethod
    def _likeness(tracks: list[_Track], boxes: Reals, time: float) -> Reals:
        """Tracks x boxes: the overlap with where the face was last, or with where it should be now if that is more."""
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


def _pairs(likeness: Reals) -> list[tuple[int, int]]:
    """Row and column of each pair: every pair is alike enough, and the sum of their likeness is the largest."""
    alike = likeness >= OVERLAP
    if (alike.sum(0) <= 1).all() and (alike.sum(1) <= 1).all():  # there is no choice, as in most frames
        rows, columns = np.nonzero(alike)
    else:
        from scipy.optimize import linear_sum_assignment  # half a second, which most videos never need

        rows, columns = linear_sum_assignment(np.where(alike, likeness, 0.0), maximize=True)
    return [(r, c) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if alike[r, c]]


def largest(boxes: ArrayLike, known: NDArray[np.bool_], count: int | None) -> list[int]:
    """Indices of the ``count`` largest faces in order (None: all), where one that is followed already counts twice.

    So two faces of about one size do not take turns.

    Args:
        boxes: N x 4.
        known: N, see :meth:`Tracker.known`.
        count: how many faces to keep.
    """
    places = np.asarray(boxes, np.float64).reshape(-1, 4)
    area = np.prod(places[:, 2:], axis=1) * np.where(known, 2.0, 1.0)
    order = np.argsort(-area, kind="stable")[: len(area) if count is None else count]
    return sorted(order.tolist())
