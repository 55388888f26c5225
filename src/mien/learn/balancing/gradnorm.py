"""GradNorm: gradients of equal size, larger for terms that learn slowly (Chen et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from mien.learn.balancing.balancer import Reduce, gramian, losses, single_process


class GradNorm:
    """Weights that bring the terms' gradients to a common size, larger for slower terms (algorithm 1).

    With w_i the weights, 1 at first, and z the shared features, in each step::

        G_i = w_i |grad_z L_i|            r_i = (L_i / L_i(0)) / mean_j (L_j / L_j(0))
        target_i = mean_j G_j * r_i^alpha            a constant
        w_i <- w_i - rate * d/dw_i |G_i - target_i| = w_i - rate * sign(G_i - target_i) |grad_z L_i|

    and then the weights are scaled so that they sum to T. A step uses the weights from before this update, as in the
    paper. ``L_i(0)`` is the loss in the first step that has labels of the term.

    Departures: the gradients are those at the features, not at the weights of the last shared layer, so no layer has to
    be chosen and processes can sum their squares; they shrink with the square root of the batch size, which may call
    for a larger ``rate``. The weights move by plain gradient descent. A term without labels in a step keeps its weight:
    those that are present are scaled to their previous sum, so all known terms still sum to T. No weight falls below
    ``floor`` before this scaling (the paper lets weights become negative). A term whose loss has not been above 0 yet
    has no ``L_i(0)`` and keeps its weight; a negative loss counts as 0.

    Args:
        alpha: >= 0, how much faster a slow term should learn; 0 only makes the gradients equal.
        rate: > 0, the learning rate of the weights.
        floor: in (0, 1], the smallest weight.

    Raises:
        ValueError: for a value out of its range; when called, see :func:`mien.learn.balancing.balancer.gramian`.

    Example:
        >>> balancer = GradNorm(alpha=1.5)
        >>> features = torch.ones(4, 2, requires_grad=True)
        >>> balancer({"a": features.sum(), "b": 3 * features.sum()}, features)
        {'a': 1.0, 'b': 1.0}
    """

    needs_features: ClassVar[bool] = True

    def __init__(self, alpha: float = 1.5, rate: float = 0.025, floor: float = 1e-3) -> None:
        if not alpha >= 0:
            raise ValueError(f"alpha: must be 0 or more, not {alpha}")
        if not rate > 0:
            raise ValueError(f"rate: must be above 0, not {rate}")
        if not 0 < floor <= 1:
            raise ValueError(f"floor: must be in (0, 1], not {floor}")
        self.alpha, self.rate, self.floor = alpha, rate, floor
        self._weights: dict[str, float] = {}
        self._first: dict[str, float] = {}

    def __call__(
        self, means: Mapping[str, Tensor], features: Tensor | None, reduce: Reduce = single_process
    ) -> dict[str, float]:
        """Return the weights of the terms that are present in this step, and then update them."""
        if not means:
            return {}
        values = losses(means, reduce)
        norms = dict(zip(means, gramian(means, features, reduce).diagonal().sqrt().tolist(), strict=True))
        for name, value in values.items():
            self._weights.setdefault(name, 1.0)
            if value > 0:
                self._first.setdefault(name, value)
        weights = {name: self._weights[name] for name in means}
        known = [name for name in means if name in self._first]
        if known:
            self._move({name: (norms[name], max(values[name], 0.0) / self._first[name]) for name in known})
        return weights

    def _move(self, terms: Mapping[str, tuple[float, float]]) -> None:
        """Update the weights of these terms, each given as its norm and ``L_i / L_i(0)``, keeping their sum."""
        before = {name: self._weights[name] for name in terms}
        mean_size = sum(before[name] * norm for name, (norm, _) in terms.items()) / len(terms)
        mean_rate = sum(rate for _, rate in terms.values()) / len(terms)
        moved = {}
        for name, (norm, rate) in terms.items():
            size, target = before[name] * norm, mean_size * (rate / mean_rate if mean_rate else 1.0) ** self.alpha
            sign = (size > target) - (size < target)
            moved[name] = max(before[name] - self.rate * sign * norm, self.floor)
        scale = sum(before.values()) / sum(moved.values())
        self._weights |= {name: weight * scale for name, weight in moved.items()}

    def state(self) -> dict[str, Any]:
        """Return the weights, and the first loss of each term."""
        return {"weights": dict(self._weights), "first": dict(self._first)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self._weights, self._first = dict(state["weights"]), dict(state["first"])
