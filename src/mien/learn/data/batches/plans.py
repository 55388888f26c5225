"""How many rows of each set stand in a step, and which ones of its shuffled passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Plan(Protocol):
    """Where the steps of a run stand in the sets; it depends on the step and the seed alone."""

    @property
    def steps(self) -> int:
        """In an epoch."""

    @property
    def per_step(self) -> Sequence[float]:
        """How many rows of each set stand in a step, on average."""

    def positions(self, index: int, step: int) -> NDArray[np.int_]:
        """The positions of a step's rows in the endless row of shuffled passes over set ``index``."""

    def over(self, lengths: Sequence[int]) -> Plan:
        """The same for sets of other lengths."""


@dataclass(frozen=True)
class Aligned:
    """The same number of rows of a set in every step (papers/003, section 4.4).

    An epoch has as many steps as the set that needs the most of them to be covered; shorter sets begin again.

    Args:
        lengths: rows in one pass over each set.
        sizes: rows of each set in a step.
    """

    lengths: Sequence[int]
    sizes: Sequence[int]

    @property
    def steps(self) -> int:
        """In an epoch: those of the set that needs the most."""
        return max(-(-length // size) for length, size in zip(self.lengths, self.sizes, strict=True))

    @property
    def per_step(self) -> list[float]:
        """The sizes, and of the set that sets the pace what fills an epoch."""
        pairs = zip(self.lengths, self.sizes, strict=True)
        return [length / self.steps if self._paces(length, size) else float(size) for length, size in pairs]

    def positions(self, index: int, step: int) -> NDArray[np.int_]:
        """As many as the set's size, but in the last step of an epoch of the set that sets the pace."""
        length, size = self.lengths[index], self.sizes[index]
        if not self._paces(length, size):
            return np.arange(step * size, (step + 1) * size)
        # its epoch ends with a short batch rather than with the next pass
        epoch, local = divmod(step, self.steps)
        return epoch * length + np.arange(local * size, min(length, (local + 1) * size))

    def _paces(self, length: int, size: int) -> bool:
        """Whether a set is one that sets the pace."""
        return -(-length // size) == self.steps

    def over(self, lengths: Sequence[int]) -> Aligned:
        """The same for sets of other lengths."""
        return Aligned(lengths, self.sizes)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The set of each row of a step is drawn at random, with a probability proportional to length ** (1 / temperature).

    A set's rows come in the order of its shuffled passes, so that none comes twice before all came once. An epoch has
    as many steps as all rows together fill.

    Args:
        lengths: rows in one pass over each set.
        size: rows of a step.
        temperature: 1 draws all rows alike, a higher one those of small sets more often.
        seed: of the drawing.
    """

    lengths: Sequence[int]
    size: int
    temperature: float
    seed: int
    _ends: dict[int, NDArray[np.int_]] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """In an epoch."""
        return -(-sum(self.lengths) // self.size)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Of each set."""
        weights = np.asarray(self.lengths, np.float64) ** (1 / self.temperature)
        return np.asarray(weights / weights.sum())

    @property
    def per_step(self) -> list[float]:
        """By the probabilities."""
        return [float(self.size * share) for share in self.probabilities]

    def positions(self, index: int, step: int) -> NDArray[np.int_]:
        """As many as were drawn of the set, none perhaps."""
        epoch, local = divmod(step, self.steps)
        ends = self._until(epoch)
        return np.arange(ends[local, index], ends[local + 1, index])

    def over(self, lengths: Sequence[int]) -> Drawn:
        """The same for sets of other lengths."""
        return Drawn(lengths, self.size, self.temperature, self.seed)

    def _until(self, epoch: int) -> NDArray[np.int_]:
        """Rows of each set that were drawn before each step of an epoch, and before the next one: steps + 1 x sets."""
        for each in range(epoch + 1):
            if each not in self._ends:
                generator = np.random.default_rng([self.seed, each, 0, 0])  # of four numbers: the orders' have three
                drawn = generator.multinomial(self.size, self.probabilities, self.steps)
                begin = self._ends.pop(each - 1)[-1] if each else np.zeros(len(self.lengths), int)
                self._ends[each] = begin + np.concatenate([np.zeros_like(drawn[:1]), drawn.cumsum(0)])
        return self._ends[epoch]
