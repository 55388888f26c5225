"""The interface of all balancers, the values of the losses, and the Gramian of their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

Reduce = Callable[[Tensor], Tensor]
"""Sums a tensor over the processes; every process gets the same sum."""


def single_process(tensor: Tensor) -> Tensor:
    """The :data:`Reduce` of a single process: the tensor itself."""
    return tensor


class Balancer(Protocol):
    """Computes one weight for each term of a step; the caller then runs the one ``backward()``.

    ``means`` are the terms for which any process has labels in this step, already multiplied by their lambdas: scalars,
    attached to the graph. Each is this process's share of the mean over all labels of the step, times the number of
    processes, so the average over the processes is that mean.
    """

    needs_features: ClassVar[bool]
    """Whether ``features`` is required."""

    def __call__(self, means: Mapping[str, Tensor], features: Tensor | None, reduce: Reduce) -> dict[str, float]:
        """Return one weight for each of ``means``, the same on every process.

        Args:
            means: the terms by name, see above.
            features: this process's rows of the representation that all heads read, N x width, attached to the graph.
            reduce: sums over the processes. Every process calls it equally often.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs: numbers, strings, lists and dictionaries; {} if it needs nothing."""
        ...

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        ...


def losses(means: Mapping[str, Tensor], reduce: Reduce = single_process) -> dict[str, float]:
    """The value of each term over all processes."""
    if not means:
        return {}
    shares = torch.stack([mean.detach().float().reshape(()) for mean in means.values()])
    total = reduce(torch.cat([shares, shares.new_ones(1)])).tolist()
    return {name: value / total[-1] for name, value in zip(means, total, strict=False)}


def gramian(means: Mapping[str, Tensor], features: Tensor | None, reduce: Reduce = single_process) -> Tensor:
    """T x T inner products of the T terms' gradients at the shared features, float64, on the CPU.

    The gradient at the features bounds that at the trunk's parameters (Sener and Koltun 2018, section 3.3) and needs no
    pass through the trunk. No parameter is differentiated, so ``DistributedDataParallel`` is not involved. Each process
    has the rows of its own inputs, so the sum of the inner products over the processes is the Gramian of the whole
    batch.

    Args:
        means: see :class:`Balancer`; their order is that of the rows. A term that does not depend on the features has
            zeros.
        features: see :class:`Balancer`.
        reduce: see :class:`Balancer`.

    Raises:
        ValueError: if there are no features, if they have no gradient, if no term depends on them, or if a gradient is
            not finite.
    """
    if features is None:
        raise ValueError("this balancer needs shared features, and the network has none")
    if not features.requires_grad:
        raise ValueError("this balancer needs a gradient at the shared features, and the trunk is frozen")
    gradients = [
        torch.autograd.grad(mean, features, retain_graph=True, allow_unused=True)[0] if mean.requires_grad else None
        for mean in means.values()
    ]
    if all(gradient is None for gradient in gradients):
        raise ValueError("no loss depends on the shared features; pass the tensor that the heads read")
    # Apple GPUs have no float64; bfloat16 and float16 would lose small inner products
    precision = torch.float32 if features.device.type == "mps" else torch.float64
    flat = features.detach().to(precision).flatten()
    rows = torch.stack(
        [torch.zeros_like(flat) if gradient is None else gradient.to(precision).flatten() for gradient in gradients]
    )
    world = reduce(flat.new_ones(()))
    product = (reduce(rows @ rows.T) / world**2).double().cpu()
    for name, square in zip(means, product.diagonal(), strict=True):
        if not torch.isfinite(square):
            raise ValueError(f"the gradient of the loss {name} at the shared features is not finite")
    return product


def fill_missing(weights: Mapping[str, float], names: Iterable[str]) -> dict[str, float]:
    """The weights of ``names``: those of ``weights``, and its mean for the others; 1 if it is empty."""
    mean = sum(weights.values()) / len(weights) if weights else 1.0
    return {name: weights.get(name, mean) for name in names}
