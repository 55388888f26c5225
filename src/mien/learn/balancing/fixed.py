"""Fixed weights: the lambdas of papers/003, eq. 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from mien.learn.balancing.balancer import Reduce, single_process


@dataclass(frozen=True)
class FixedWeights:
    """The same weights at every step.

    Args:
        weights: the lambdas by term name; 1 for terms that are not listed.

    Example:
        >>> FixedWeights({"affect": 0.5})({"affect": torch.tensor(2.0), "expression": torch.tensor(1.0)})
        {'affect': 0.5, 'expression': 1.0}
    """

    weights: Mapping[str, float] = field(default_factory=dict)

    needs_features: ClassVar[bool] = False

    def __call__(
        self,
        means: Mapping[str, Tensor],
        features: Tensor | None = None,  # noqa: ARG002
        reduce: Reduce = single_process,  # noqa: ARG002
    ) -> dict[str, float]:
        """Return the weights of the terms that are present in this step."""
        return {name: self.weights.get(name, 1.0) for name in means}

    def state(self) -> dict[str, Any]:
        """Return {}: nothing changes from step to step."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Do nothing: there is no state."""
