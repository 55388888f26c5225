"""Uncertainty weighting: each term is weighted by the noise that is learnt for it (Kendall et al. 2018)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from mien.learn.balancing.balancer import Reduce, losses, single_process


class UncertaintyWeighting:
    """Weights of ``sum_i c_i exp(-s_i) L_i + s_i / 2``, with s_i = log sigma_i^2 learnt together with the network.

    c_i is 1 for the likelihood of a class (Kendall et al. 2018, eq. 10) and 1/2 for that of a value (eq. 7). The weight
    of a term is ``c_i exp(-s_i)``; s_i is 0 at first and moves by its own gradient, in closed form::

        s_i <- s_i - rate * (1/2 - c_i exp(-s_i) L_i)

    It settles at ``c_i exp(-s_i) = 1 / (2 L_i)``: every weighted term becomes 1/2, so a large loss gets a small weight.
    A step uses the weights from before the update, as a single optimiser over all would.

    Departures: s_i has its own rate and moves by plain gradient descent. It is kept within ``bound``; otherwise the
    weight of a loss that reaches 0 would grow without bound. A term without labels in a step keeps its s_i. The
    derivation assumes likelihoods; concordance and the couplings are not likelihoods, but are weighted in the same way.

    Args:
        regression: names of the terms with c_i = 1/2, squared errors; all others have 1.
        rate: > 0, the learning rate of s_i.
        bound: > 0, the largest ``|s_i|``; weights are between ``c_i exp(-bound)`` and ``c_i exp(bound)``.

    Raises:
        ValueError: for a value out of its range.

    Example:
        >>> balancer = UncertaintyWeighting(regression=("length",), rate=0.1)
        >>> balancer({"kind": torch.tensor(2.0), "length": torch.tensor(0.1)})
        {'kind': 1.0, 'length': 0.5}
    """

    needs_features: ClassVar[bool] = False

    def __init__(self, regression: tuple[str, ...] = (), rate: float = 0.01, bound: float = 5.0) -> None:
        if not rate > 0:
            raise ValueError(f"rate: must be above 0, not {rate}")
        if not bound > 0:
            raise ValueError(f"bound: must be above 0, not {bound}")
        self.regression, self.rate, self.bound = tuple(regression), rate, bound
        self._s: dict[str, float] = {}

    def __call__(
        self,
        means: Mapping[str, Tensor],
        features: Tensor | None = None,  # noqa: ARG002
        reduce: Reduce = single_process,
    ) -> dict[str, float]:
        """Return the weights of the terms that are present in this step, and then update them."""
        weights = {}
        for name, value in losses(means, reduce).items():
            s = self._s.get(name, 0.0)
            weights[name] = (0.5 if name in self.regression else 1.0) * math.exp(-s)
            s -= self.rate * (0.5 - weights[name] * value)
            self._s[name] = min(max(s, -self.bound), self.bound)
        return weights

    def state(self) -> dict[str, Any]:
        """Return s of each term."""
        return {"s": dict(self._s)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self._s = dict(state["s"])
