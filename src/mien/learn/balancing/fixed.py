"""Fixed weights: the lambdas of papers/003, eq. 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class FixedWeights:
    """The same weight for a term at every step.

    Args:
        weights: by the term's name; 1 for a term that is not named.
    """

    weights: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, means: Mapping[str, Tensor]) -> dict[str, float]:
        """Weights of the terms that are present in this step."""
        return {name: self.weights.get(name, 1.0) for name in means}
