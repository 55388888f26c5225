"""Mix pairs of rows into virtual examples (Mixup, Zhang et al. 2018; MixAugment, Psaroudakis & Kollias 2022).

A mixture of the rows i and j with the share s has the picture ``s x_i + (1 - s) x_j`` and the labels
``s y_i + (1 - s) y_j``: shares of classes, soft targets of attributes, weighted values of continuous labels. The
shares are drawn from Beta(alpha, alpha), one per mixture.

A cell of a mixture is labelled only if it is labelled in both rows. The exact form would be the expected loss
``s L(f(x), y_i) + (1 - s) L(f(x), y_j)`` over the labelled parents, but that loss has the weight s, and a mask is
binary. It would also train on half a face: if only i has a label, the label of the mixture is unknown. To lose few
labels, rows are mixed with rows that are labelled for the same tasks; where data sets differ in their labels, these are
rows of the same set.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Beta

from mien.learn.batch import Batch, as_distribution, concatenate
from mien.tasks import Kind, Task


def mixup(batch: Batch, tasks: Sequence[Task], alpha: float) -> Batch:
    """N mixtures that replace the N rows; a row whose partner has labels for other tasks is unchanged.

    It draws from torch's global generator, on the CPU.

    Args:
        batch: pictures, N x C x H x W, or features, N x D.
        tasks: the label space of the batch.
        alpha: parameter of the Beta distribution.
    """
    order, kinds = _in_order(batch)
    following = order.roll(-1)
    partner = torch.empty_like(order)
    partner[order] = torch.where(kinds[order] == kinds[following], following, order)
    return blend(batch, torch.arange(len(order)), partner, _shares(len(order), alpha), tasks)


def mixaugment(batch: Batch, tasks: Sequence[Task], alpha: float) -> Batch:
    """The N rows and up to N / 2 mixtures of them, each row in at most one.

    The mean over the batch thus gives the virtual loss and both real losses of each pair equal weight, as in the
    paper's total loss. Pairs whose rows have labels of different tasks are not mixed.

    It draws from torch's global generator, on the CPU.

    Args:
        batch: pictures, N x C x H x W, or features, N x D.
        tasks: the label space of the batch.
        alpha: parameter of the Beta distribution.
    """
    order, kinds = _in_order(batch)
    pairs = order[: len(order) // 2 * 2].reshape(-1, 2)
    shares = _shares(len(pairs), alpha)
    alike = kinds[pairs[:, 0]] == kinds[pairs[:, 1]]
    virtual = blend(batch, pairs[alike, 0], pairs[alike, 1], shares[alike], tasks)
    return concatenate([Batch(batch.images.float(), batch.labels, batch.mask), virtual], tasks)


def blend(batch: Batch, first: Tensor, second: Tensor, shares: Tensor, tasks: Sequence[Task]) -> Batch:
    """The mixtures of rows: M indices of each parent, and M shares of the first."""
    device = batch.images.device
    first, second, shares = first.to(device), second.to(device), shares.to(device)
    labels, mask = {}, {}
    for task in tasks:
        values, known = batch.labels[task.name], batch.mask[task.name]
        if task.kind is Kind.CLASSES:
            values = as_distribution(values, len(task))
        labels[task.name] = _mixed(values, first, second, shares)
        mask[task.name] = known[first] & known[second]
        blank = mask[task.name] if labels[task.name].ndim == mask[task.name].ndim else mask[task.name][:, None]
        labels[task.name] = labels[task.name] * blank  # unlabelled cells hold 0
    return Batch(_mixed(batch.images.float(), first, second, shares), labels, mask)


MIXTURES = {"mixup": mixup, "mixaugment": mixaugment}
"""The kinds of mixtures by their names in a recipe."""


def _mixed(values: Tensor, first: Tensor, second: Tensor, shares: Tensor) -> Tensor:
    weights = shares.reshape(-1, *[1] * (values.ndim - 1)).to(values.dtype)
    return torch.lerp(values[second], values[first], weights)


def _in_order(batch: Batch) -> tuple[Tensor, Tensor]:
    """The rows grouped by the tasks they are labelled for, shuffled within a group; and each row's group, N each."""
    count = len(batch)
    kinds = torch.zeros(count, dtype=torch.long)
    for place, mask in enumerate(batch.mask.values()):
        kinds += mask.reshape(count, -1).any(1).long().cpu() << place
    order = torch.randperm(count)
    return order[kinds[order].argsort(stable=True)], kinds


def _shares(count: int, alpha: float) -> Tensor:
    return Beta(alpha, alpha).sample((count,))
