"""Augmented batches: pictures, sides and mixtures together."""

import numpy as np
import torch

from mien.learn.batch import Batch, collate
from mien.learn.data.batches.augment import Augment
from mien.learn.data.batches.transforms import Augmentation
from mien.tasks import Kind, Task

OFF = dict.fromkeys(Augmentation.model_fields.keys() - {"mix", "alpha"}, 0.0)
UNITS = Task("units", Kind.ATTRIBUTES, ("AU12L", "AU12R"), ("left", "right"))


def faces(n: int) -> Batch:
    """The smiling half of the face is white; every third row lacks one label."""
    images, column = np.zeros((n, 3, 8, 8), np.uint8), np.zeros((n, 2), np.float32)
    images[::2, :, :, :4], images[1::2, :, :, 4:] = 255, 255
    column[::2, 1], column[1::2, 0] = 1, 1
    column[::3, 0] = np.nan
    return collate(images, {"units": column}, (UNITS,))


def test_labels_of_sides_follow_the_pictures() -> None:
    torch.manual_seed(0)
    before = faces(12)
    after = Augment(Augmentation(**OFF | {"flip": 0.5}), (UNITS,))(before)
    turned = (after.images - before.images.float()).abs().amax((1, 2, 3)) > 1
    assert 0 < turned.sum() < 12
    for row in range(12):
        white = 1 if after.images[row, 0, 4, 1] > 200 else 0
        known = after.mask["units"][row]
        assert known.sum() == before.mask["units"][row].sum()
        if known[white]:
            assert after.labels["units"][row, white] == 1
        if known[1 - white]:
            assert after.labels["units"][row, 1 - white] == 0


def test_pictures_are_changed_before_they_are_mixed() -> None:
    torch.manual_seed(0)
    mixed = Augment(Augmentation(**OFF | {"flip": 1, "mix": "mixaugment", "alpha": 1}), (UNITS,))(faces(12))
    assert len(mixed) == 18
    assert torch.allclose(mixed.images[:12], faces(12).images.float().flip(3), atol=1e-3)
    assert torch.equal(mixed.mask["units"][:12], faces(12).mask["units"].flip(1))


def test_features_are_only_mixed() -> None:
    batch = Batch(torch.randn(6, 3), faces(6).labels, faces(6).mask)
    assert Augment(Augmentation(), (UNITS,))(batch) is batch
    assert len(Augment(Augmentation(mix="mixaugment"), (UNITS,))(batch)) == 9


def test_an_empty_batch_is_returned_as_it_is() -> None:
    batch = faces(0)
    assert Augment(Augmentation(mix="mixup"), (UNITS,))(batch) is batch
