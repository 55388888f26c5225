"""Plan how many rows of each set are in a step, and which positions of its shuffled passes they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Plan(Protocol):
    """The positions of each step's rows in each set; they depend on the step and the seed only."""

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""

    @property
    def per_step(self) -> Sequence[float]:
        """The average number of rows of each set in a step."""

    def positions(self, index: int, step: int) -> NDArray[np.int_]:
        """The positions of a step's rows in the endless sequence of shuffled passes over set ``index``."""

    def over(self, lengths: Sequence[int]) -> Plan:
        """The same plan for sets of other lengths."""


@dataclass(frozen=True)
class Aligned:
    """The same number of rows of a set in every step (papers/003, section 4.4).

    An epoch has as many steps as the set that takes longest to cover; the others start again.

    Args:
        lengths: rows in one pass over each set.
        sizes: rows of each set in a step.

    Example:
        >>> Aligned([30, 10], [4, 3]).steps
        8
    """

    lengths: Sequence[int]
    sizes: Sequence[int]

    @property
    def steps(self) -> int:
        """The number of steps in an epoch: as many as the set that takes longest to cover needs."""
        return max(-(-length // size) for length, size in zip(self.lengths, self.sizes, strict=True))

    @property
    def per_step(self) -> list[float]:
        """The sizes; for the longest set the average over an epoch, whose last step may be short."""
        pairs = zip(self.lengths, self.sizes, strict=True)
        return [length / self.steps if self._is_longest(length, size) else float(size) for length, size in pairs]

    def positions(self, index: int, step: int) -> NDArray[np.int_]:
        """As many positions as the set's size; fewer in the last step of an epoch for the longest set."""
        length, size = self.lengths[index], self.sizes[index]
        if not self._is_longest(length, size):
            return np.arange(step * size, (step + 1) * size)
        # its epoch ends with a short batch rather than with the next pass
        epoch, local = divmod(step, self.steps)
        return epoch * length + np.arange(local * size, min(length, (local + 1) * size))

    def _is_longest(self, length: int, size: int) -> bool:
        """Whether a set is one of those that take longest to cover."""
        return -(-length // size) == self.steps

    def over(self, lengths: Sequence[int]) -> Aligned:
        """The same plan for sets of other lengths."""
        return Aligned(lengths, self.sizes)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The set of each row is drawn at random, with a probability proportional to length ** (1 / temperature).

    The rows of a set follow its shuffled passes, so none is repeated before all have been used. An epoch has as many
    steps as all rows together fill.

    Args:
        lengths: rows in one pass over each set.
        size: rows in a step.
        temperature: 1 draws all rows equally often; a higher one draws rows of small sets more often.
        seed: seed of the draws.
    """

    lengths: Sequence[int]
    size: int
    temperature: float
    seed: int
    _ends: dict[int, NDArray[np.int_]] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""
        return -(-sum(self.lengths) // self.size)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The probability of each set."""
        weights = np.asarray(self.lengths, np.float64) ** (1 / self.temperature)
        return np.asarray(weights / weights.sum())

    @property
    def per_step(self) -> list[float]:
        """The expected number of rows of each set."""
        return [float(self.size * share) for share in self.probabilities]

    def positions(self, index: int, step: int) -> NDArray[np.int_]:
        """As many positions as were drawn from the set, possibly none."""
        epoch, local = divmod(step, self.steps)
        ends = self._until(epoch)
        return np.arange(ends[local, index], ends[local + 1, index])

    def over(self, lengths: Sequence[int]) -> Drawn:
        """The same plan for sets of other lengths."""
        return Drawn(lengths, self.size, self.temperature, self.seed)

    def _until(self, epoch: int) -> NDArray[np.int_]:
        """Rows of each set drawn before each step of an epoch and before the next epoch: steps + 1 x sets."""
        for each in range(epoch + 1):
            if each not in self._ends:
                generator = np.random.default_rng([self.seed, each, 0, 0])  # the orders' seeds have three numbers
                drawn = generator.multinomial(self.size, self.probabilities, self.steps)
                begin = self._ends.pop(each - 1)[-1] if each else np.zeros(len(self.lengths), int)
                self._ends[each] = begin + np.concatenate([np.zeros_like(drawn[:1]), drawn.cumsum(0)])
        return self._ends[epoch]
