"""The loss of every task from its own labels (papers/003, eq. 2)."""

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
"""From raw outputs, labels and mask of a task to its term."""

LOSSES: dict[Kind, Loss] = {
    Kind.CLASSES: cross_entropy,
    Kind.ATTRIBUTES: binary_cross_entropy,
    Kind.CONTINUOUS: concordance,
}


def supervised(
    outputs: Outputs, batch: Batch, tasks: Sequence[Task], losses: Mapping[str, Loss] | None = None
) -> dict[str, LossTerm]:
    """One term for each task, under the task's name: L_Emo, L_AU and L_VA of eq. 2 where the tasks are faces.

    Args:
        outputs, batch: of the same rows.
        tasks: the label space.
        losses: by the task's name, of tasks whose loss is not that of their kind.
    """
    own = losses or {}
    return {
        task.name: own.get(task.name, LOSSES[task.kind])(
            outputs[task.name], batch.labels[task.name], batch.mask[task.name]
        )
        for task in tasks
    }
