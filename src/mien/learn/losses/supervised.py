"""The loss of each task on its own labels (papers/003, eq. 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from mien.learn.batch import Batch
from mien.learn.losses.binary_cross_entropy import binary_cross_entropy
from mien.learn.losses.concordance import concordance
from mien.learn.losses.coupling import Outputs
from mien.learn.losses.cross_entropy import cross_entropy
from mien.learn.losses.term import LossTerm
from mien.tasks import Kind, Task

Loss = Callable[[Tensor, Tensor, Tensor], LossTerm]
"""Maps the raw outputs, labels and mask of a task to its term."""

LOSSES: dict[Kind, Loss] = {
    Kind.CLASSES: cross_entropy,
    Kind.ATTRIBUTES: binary_cross_entropy,
    Kind.CONTINUOUS: concordance,
}


def supervised(
    outputs: Outputs, batch: Batch, tasks: Sequence[Task], losses: Mapping[str, Loss] | None = None
) -> dict[str, LossTerm]:
    """Return one term per task, by task name: for faces, L_Emo, L_AU and L_VA of eq. 2.

    Args:
        outputs, batch: a batch, and the network's outputs for it.
        tasks: the label space.
        losses: by task name, for tasks whose loss is not the standard one of their kind.

    Example:
        >>> import torch
        >>> from mien.tasks import AFFECT
        >>> labels, mask = {"affect": torch.rand(3, 2)}, {"affect": torch.ones(3, 2, dtype=torch.bool)}
        >>> terms = supervised({"affect": torch.rand(3, 2)}, Batch(torch.zeros(3, 8), labels, mask), (AFFECT,))
    """
    own = losses or {}
    return {
        task.name: own.get(task.name, LOSSES[task.kind])(
            outputs[task.name], batch.labels[task.name], batch.mask[task.name]
        )
        for task in tasks
    }
