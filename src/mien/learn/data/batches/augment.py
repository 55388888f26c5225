"""Augment whole batches: change the pictures, the labels that depend on them, and mix rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mien.learn.batch import Batch
from mien.learn.data.batches.laterality import swap
from mien.learn.data.batches.mixup import MIXTURES
from mien.learn.data.batches.transforms import Augmentation
from mien.tasks import Task


class Augment:
    """Augments training batches; feature vectors are only mixed.

    It draws from torch's global generator.

    Args:
        augmentation: the changes to apply.
        tasks: the label space of the batches.

    Example:
        >>> augment = Augment(Augmentation(flip=0.5, mix="mixup"), tasks)  # doctest: +SKIP
        >>> batch = augment(batch)  # doctest: +SKIP
    """

    def __init__(self, augmentation: Augmentation, tasks: Sequence[Task]) -> None:
        self.augmentation, self.tasks, self.transform = augmentation, tuple(tasks), augmentation.build()

    def __call__(self, batch: Batch) -> Batch:
        """The augmented batch, up to 1.5 times as long with ``mixaugment``; an empty batch is returned unchanged."""
        if not len(batch):
            return batch
        if batch.images.ndim == 4:
            batch = replace(batch, images=self.transform(batch.images))
            if (flipped := self.transform.flipped) is not None:
                batch = swap(batch, flipped, self.tasks)
        mix = self.augmentation.mix
        return MIXTURES[mix](batch, self.tasks, self.augmentation.alpha) if mix else batch
