"""The objective of a step: terms, their global means, their weights, and the loss to minimise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from accelerate import Accelerator
from torch import Tensor

from mien.learn.balancing import FixedWeights
from mien.learn.balancing.balancer import Balancer
from mien.learn.batch import Batch
from mien.learn.losses import supervised
from mien.learn.losses.coupling import CouplingLoss
from mien.learn.losses.supervised import Loss
from mien.learn.losses.term import LossTerm
from mien.learn.models.network import FEATURES
from mien.relatedness.table import Relatedness
from mien.tasks import Task


class DivergedError(RuntimeError):
    """A loss is no longer finite; the checkpoints hold an earlier state."""


class BalancingError(ValueError):
    """The balancer cannot weigh the terms of a step; the message names the reason."""


@dataclass(frozen=True, eq=False)
class Coupled:
    """A coupling over one pair of tasks.

    Args:
        coupling: the loss.
        relatedness: the table of the pair; None for a coupling that needs none.
        suffix: added to the names of its terms if a run couples several pairs.
    """

    coupling: CouplingLoss
    relatedness: Relatedness | None
    suffix: str = ""

    @property
    def names(self) -> dict[str, str]:
        """The run's name for each term of the coupling."""
        return {term: term + self.suffix for term in self.coupling.terms}

    def reaches(self, task: str, label: str) -> bool:
        """Whether it constrains a label, as far as is known; attributes only if they belong to some class."""
        table = self.relatedness
        if table and task == table.attributes:
            return bool(table.weights[:, table.attribute_labels.index(label)].any())
        pair = table or self.coupling
        return task in {getattr(pair, key, None) for key in ("classes", "attributes", "affect")}

    def __call__(self, outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, LossTerm]:
        """The terms, under the names that the run gives them."""
        terms = self.coupling(outputs, batch, self.relatedness)
        return {name: terms[term] for term, name in self.names.items()}


@dataclass(frozen=True, eq=False)
class Objective:
    """The objective of a run: the weighted sum of its terms.

    Args:
        tasks: each has a supervised term.
        couplings: each has its own terms.
        lambdas: fixed weights of the terms.
        balancer: weighs the terms, times their lambdas, in every step; None for weights of 1.
        accelerator: knows the other processes.
        losses: by task name, for tasks whose loss is not the standard one of their kind.
    """

    tasks: Sequence[Task]
    couplings: Sequence[Coupled]
    lambdas: FixedWeights
    balancer: Balancer | None
    accelerator: Accelerator
    losses: Mapping[str, Loss] = field(default_factory=dict)

    def terms(self, outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, LossTerm]:
        """The supervised term of each task and the terms of each coupling."""
        terms = supervised(outputs, batch, self.tasks, self.losses)
        for coupling in self.couplings:
            terms |= coupling(outputs, batch)
        return terms

    def __call__(self, outputs: Mapping[str, Tensor], batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The weighted sum of the global means, to be minimised, and those means.

        Raises:
            DivergedError: if one of them is not finite.
            BalancingError: if the balancer cannot weigh them.
        """
        terms = self.terms(outputs, batch)
        means, absent = self.means(terms)
        values = {name: float(self._sum(mean.detach()) / self._world) for name, mean in means.items()}
        for name, value in values.items():
            if not math.isfinite(value):
                raise DivergedError(f"the loss {name} is {value}")
        fixed = self.lambdas(means, None, self._sum)
        scaled = {name: fixed[name] * mean for name, mean in means.items() if fixed[name]}
        weights = self._balanced(scaled, outputs.get(FEATURES))
        # absent terms and those with lambda 0 stay attached, so that every parameter has a gradient on every rank
        loss = sum((0.0 * mean for name, mean in means.items() if name not in scaled), absent)
        return loss + sum(weights.get(name, 1.0) * mean for name, mean in scaled.items()), values

    def _balanced(self, means: Mapping[str, Tensor], features: Tensor | None) -> dict[str, float]:
        """The balancer's weights; none without a balancer or without terms."""
        if self.balancer is None or not means:
            return {}
        try:
            return self.balancer(means, features, self._sum)
        except ValueError as error:
            raise BalancingError(f"balancing: {error}") from None

    def means(self, terms: Mapping[str, LossTerm]) -> tuple[dict[str, Tensor], Tensor]:
        """The mean of each term that some rank has labels for, and an attached zero for the others.

        Counts are summed over the ranks before the division. A mean is this rank's share times the number of
        ranks: DDP averages gradients, so the average over the ranks is the mean over the whole step.
        """
        counts = self._sum(torch.stack([term.count.float() for term in terms.values()]))
        means: dict[str, Tensor] = {}
        absent = torch.zeros((), device=counts.device)
        for (name, term), count in zip(terms.items(), counts, strict=True):
            if count > 0:
                means[name] = term.total * self._world / count
            else:
                absent = absent + 0.0 * term.total
        return means, absent

    @property
    def _world(self) -> int:
        return int(self.accelerator.num_processes)

    def _sum(self, tensor: Tensor) -> Tensor:
        summed: Tensor = self.accelerator.reduce(tensor, "sum")
        return summed
