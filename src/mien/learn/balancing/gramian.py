"""TorchJD's weightings of a Gramian, by name: UPGrad, PCGrad, CAGrad, IMTL-G, Aligned-MTL and others."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torchjd import Stateful, aggregation

from mien.learn.balancing.balancer import Reduce, fill_missing, gramian, single_process
from mien.learn.balancing.nonnegative import dual_cone
from mien.spelling import did_you_mean

SCALE_DEPENDENT = ("FairGrad",)
"""Weightings that depend on the size of the gradients, and therefore get the unscaled Gramian."""

EXCLUDED_OPTIONS = ("projector", "pref_vector")
"""TorchJD's options that are neither numbers nor strings; lambdas serve as preferences."""

REGULARISATION = 1e-4
"""Added to the diagonal of a Gramian of trace 1 for UPGrad and DualProj, as in TorchJD: makes the solution unique."""


class GramianWeights:
    """The weights that one of TorchJD's weightings gives for the Gramian of the gradients at the shared features.

    ==============  =================================================  ===============================
    ``weighting``   paper                                              ``options``
    ==============  =================================================  ===============================
    ``AlignedMTL``  Senushkin et al. 2023                             ``scale_mode``: min, median, rmse
    ``CAGrad``      Liu et al. 2021; needs ``torchjd[cagrad]``        ``c`` (required), ``norm_eps``
    ``DualProj``    Lopez-Paz and Ranzato 2017
    ``FairGrad``    Ban and Ji 2024                                    ``alpha`` (required), ``max_iters``
    ``IMTLG``       Liu et al. 2021
    ``MGDA``        Desideri 2012; see also :class:`MgdaUb`            ``epsilon``, ``max_iters``
    ``PCGrad``      Yu et al. 2020
    ``UPGrad``      Quinton and Rey 2024
    ==============  =================================================  ===============================

    Departures: the gradients are those at the shared features, not at all shared parameters. The Gramian is divided by
    its trace, except for FairGrad: the others do not depend on its size, but TorchJD's guards against division by zero
    do. UPGrad and DualProj solve their programs with SciPy rather than quadprog, which is under the GPL. PCGrad's order
    of the terms comes from ``seed`` and the number of the step, so that all processes use the same order and the
    caller's random state is unchanged. A term whose gradient is exactly zero is skipped and gets the mean weight of the
    others; without any gradient all weights are 1. Weightings that remember earlier steps by the position of a term
    (GradVac, PCD) are rejected, because the terms that are present change; so is Krum, which votes out terms and needs
    three or more.

    Args:
        weighting: the name, as in the table.
        options: the weighting's options, by their names in TorchJD.
        seed: >= 0, seed of PCGrad's order.

    Raises:
        ValueError: for an unknown weighting or option, an option that is missing or out of its range, or a package that
            the weighting needs and that is not installed; when called, see
            :func:`mien.learn.balancing.balancer.gramian`.

    Example:
        >>> balancer = GramianWeights("MGDA", {"epsilon": 1e-5})
        >>> features = torch.ones(4, 2, requires_grad=True)
        >>> weights = balancer({"a": features.sum(), "b": features.square().sum()}, features)
    """

    needs_features: ClassVar[bool] = True

    def __init__(
        self, weighting: str = "UPGrad", options: Mapping[str, float | int | str] | None = None, seed: int = 0
    ) -> None:
        if seed < 0:
            raise ValueError(f"seed: must be 0 or more, not {seed}")
        self.weighting, self.options, self.seed = weighting, dict(options or {}), seed
        self._weigh = _build(weighting, self.options)
        self._step = 0

    def __call__(
        self, means: Mapping[str, Tensor], features: Tensor | None, reduce: Reduce = single_process
    ) -> dict[str, float]:
        """Return the weights of the terms that are present in this step."""
        self._step += 1
        if not means:
            return {}
        products = gramian(means, features, reduce)
        names, kept = list(means), products.diagonal().nonzero().flatten().tolist()
        if not kept:
            return dict.fromkeys(names, 1.0)
        products = products[kept][:, kept]
        if self.weighting not in SCALE_DEPENDENT:
            products = products / products.trace()
        seed = int(np.random.SeedSequence([self.seed, self._step]).generate_state(1)[0])
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            weights = self._weigh(products).tolist()
        return fill_missing({names[row]: weight for row, weight in zip(kept, weights, strict=True)}, names)

    def state(self) -> dict[str, Any]:
        """Return the number of the step, which determines the order of the terms."""
        return {"step": self._step}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        self._step = int(state["step"])


def names() -> list[str]:
    """The available weightings."""
    classes = {name: getattr(aggregation, name) for name in aggregation.__all__}
    return sorted(
        name
        for name, each in classes.items()
        if issubclass(each, aggregation.GramianWeightedAggregator) and not issubclass(each, Stateful)
        if f"{name}Weighting" in classes and name != "Krum"
    )


def _project(weights: Tensor, products: Tensor) -> Tensor:
    """Project each row of weights onto the dual cone; a ``DualConeProjector`` of TorchJD."""
    regularised = products.numpy() + REGULARISATION * np.eye(len(products))
    return torch.from_numpy(np.apply_along_axis(dual_cone, -1, weights.numpy(), regularised))


def _build(name: str, options: Mapping[str, Any]) -> Any:
    """Create the weighting and try it once, because some check their options only when called."""
    if name not in names():
        raise ValueError(f"weighting: unknown or unsupported {name}{did_you_mean(name, names())}")
    factory = getattr(aggregation, f"{name}Weighting")
    parameters = inspect.signature(factory).parameters
    known = {key: entry for key, entry in parameters.items() if key not in EXCLUDED_OPTIONS}
    for option in options:
        if option not in known:
            raise ValueError(f"options.{option}: {name} has no such option{did_you_mean(option, known)}")
    for option, entry in known.items():
        if entry.default is entry.empty and option not in options:
            raise ValueError(f"options.{option}: required by {name}")
    try:
        weighting = factory(**options, **({"projector": _project} if "projector" in parameters else {}))
        with torch.random.fork_rng(devices=[]):
            weighting(torch.eye(2, dtype=torch.float64))
    except ImportError as error:
        raise ValueError(f"weighting: {error}") from None
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"options: {name}: {error}") from None
    return weighting
