"""MGDA-UB: the multiple-gradient descent algorithm on an upper bound (Sener and Koltun 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torchjd.aggregation import MGDAWeighting

from mien.learn.balancing.balancer import Reduce, fill_missing, gramian, losses, single_process
from mien.learn.balancing.nonnegative import min_norm
from mien.spelling import check_choices


@dataclass(frozen=True)
class MgdaUb:
    """Weights of the shortest vector in the convex hull of the terms' gradients at the shared features z.

    ``min_a |sum_i a_i grad_z L_i|^2`` over a >= 0, sum 1 (Sener and Koltun 2018, MGDA-UB, section 3.3). To first order,
    a small step against ``sum_i a_i grad_z L_i`` raises no loss; where the vector is 0, no step lowers all of them. The
    shortest gradient therefore gets the largest weight: a term that is almost learnt takes almost all the weight, and
    the trunk stops learning. ``normalise`` prevents this.

    Departures: the terms' own layers move by the weighted gradient too, as in the authors' code (the paper's algorithm
    2 does not weight them). A term whose gradient at z is exactly zero is excluded from the problem, where it would
    take all the weight; it gets 1/T, and the others share the rest.

    Args:
        normalise: before the problem is solved, divide the gradient of each term by its norm (``l2``), by its loss
            (``loss``), or by both (``loss+``), as in the authors' code; ``none`` (the paper) does not. As in that code,
            the resulting weights multiply the plain losses, so only ``none`` promises to raise no loss.
        scale: what is scaled to 1: the ``sum`` of the weights (the paper), or their ``mean``, which gives steps as long
            as with weights of 1.
        solver: ``frank_wolfe``, the paper's algorithm, by TorchJD; with 6 terms its weights are within about 0.01 of
            the exact ones. ``exact``: an active-set method, which ends at the minimum and is faster.
        epsilon: > 0, ``frank_wolfe`` stops after a step smaller than this.
        max_iters: > 0, ``frank_wolfe`` stops after this many steps.

    Raises:
        ValueError: for an unknown choice or a value out of its range; when called, see
            :func:`mien.learn.balancing.balancer.gramian`, and if ``normalise`` divides by a negative loss.

    Example:
        >>> balancer = MgdaUb(normalise="l2", solver="exact")
        >>> features = torch.eye(2, requires_grad=True)
        >>> weights = balancer({"a": features[0, 0] ** 2, "b": 4 * features[1, 1]}, features)
        >>> {name: round(weight, 3) for name, weight in weights.items()}
        {'a': 0.5, 'b': 0.5}
    """

    normalise: Literal["none", "l2", "loss", "loss+"] = "none"
    scale: Literal["sum", "mean"] = "sum"
    solver: Literal["frank_wolfe", "exact"] = "frank_wolfe"
    epsilon: float = 1e-6
    max_iters: int = 1000

    needs_features: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choices(self)
        for name in ("epsilon", "max_iters"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: must be above 0, not {getattr(self, name)}")

    def __call__(
        self, means: Mapping[str, Tensor], features: Tensor | None, reduce: Reduce = single_process
    ) -> dict[str, float]:
        """Return the weights of the terms that are present in this step."""
        if not means:
            return {}
        products = gramian(means, features, reduce)
        sizes = self._sizes(products.diagonal().sqrt(), means, reduce)
        names, kept = list(means), (products.diagonal() * sizes).nonzero().flatten().tolist()
        solution = self._solve((products / torch.outer(sizes, sizes))[kept][:, kept]) if kept else []
        weights = fill_missing({names[row]: weight for row, weight in zip(kept, solution, strict=True)}, names)
        total = sum(weights.values()) / (len(weights) if self.scale == "mean" else 1)
        return {name: weight / total for name, weight in weights.items()}

    def _sizes(self, norms: Tensor, means: Mapping[str, Tensor], reduce: Reduce) -> Tensor:
        """T divisors, one for each gradient."""
        sizes = torch.ones_like(norms)
        if self.normalise in ("l2", "loss+"):
            sizes = sizes * norms
        if self.normalise in ("loss", "loss+"):
            for row, (name, value) in enumerate(losses(means, reduce).items()):
                if value < 0:
                    raise ValueError(
                        f"normalise: {self.normalise} needs losses of 0 or more, but {name} is {value:.3g}"
                    )
                sizes[row] *= value
        return sizes

    def _solve(self, products: Tensor) -> list[float]:
        products = products / products.trace()  # the same minimum, but no tiny numbers for the solvers
        if self.solver == "exact":
            return [float(weight) for weight in min_norm(products.numpy())]
        shortest = int(products.diagonal().argmin())
        if bool((products[shortest] >= products[shortest, shortest]).all()):
            # this gradient is the minimum; TorchJD would use up max_iters to reach it
            return [float(row == shortest) for row in range(len(products))]
        weights = MGDAWeighting(epsilon=self.epsilon, max_iters=self.max_iters)(products)
        return [float(weight) for weight in weights]

    def state(self) -> dict[str, Any]:
        """Return {}: nothing is kept from step to step."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Do nothing: there is no state."""
