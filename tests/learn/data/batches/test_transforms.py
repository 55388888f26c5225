"""Augmentation: parts that are off change nothing; the others keep the range and follow the seed."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from mien.learn.data.batches.transforms import Augmentation

OFF = dict.fromkeys(Augmentation.model_fields.keys() - {"mix", "alpha"}, 0.0)
COLOURS = {"saturation", "hue", "grey"}


@pytest.fixture(params=[1, 3], ids=["grey", "coloured"])
def crops(request: pytest.FixtureRequest) -> Tensor:
    shape = (4, request.param, 112, 112)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_without_parts_crops_are_unchanged(crops: Tensor) -> None:
    assert torch.equal(Augmentation(**OFF).build()(crops), crops)


@pytest.mark.parametrize("part", sorted(OFF))
def test_each_part_changes_the_crops_and_keeps_their_shape_and_range(part: str, crops: Tensor) -> None:
    torch.manual_seed(0)
    changed = Augmentation(**OFF | {part: 0.9 if part != "rotate" else 20.0}).build()(crops)
    assert changed.shape == crops.shape
    if part in COLOURS and crops.shape[1] == 1:
        assert torch.allclose(changed, crops.float(), atol=1e-3)
    else:
        assert (changed - crops).abs().max() > 1
    assert changed.min() >= -1e-3
    assert changed.max() <= 255 + 1e-3


def test_grey_crops_have_three_equal_channels(crops: Tensor) -> None:
    changed = Augmentation(**OFF | {"grey": 1}).build()(crops)
    assert (changed.std(1, correction=0) < 1e-3).all()


@pytest.mark.parametrize("part", ["blur", "coarse"])
def test_blur_and_coarse_remove_detail(part: str, crops: Tensor) -> None:
    torch.manual_seed(0)
    changed = Augmentation(**OFF | {part: 1}).build()(crops)
    before, after = (each.float().diff(dim=3).abs().mean((1, 2, 3)) for each in (crops, changed))
    assert bool((after < 0.9 * before).all())


def test_jpeg_leaves_a_plain_crop_and_blocks_a_fine_one() -> None:
    torch.manual_seed(0)
    jpeg = Augmentation(**OFF | {"jpeg": 1}).build()
    plain = torch.full((4, 3, 32, 32), 128.0)
    assert float((jpeg(plain) - plain).abs().max()) < 4
    fine = torch.rand(4, 3, 32, 32) * 255
    assert float((jpeg(fine) - fine).abs().mean()) > 4


def test_a_probability_applies_to_each_crop() -> None:
    crops = torch.rand(200, 1, 16, 16) * 255
    torch.manual_seed(0)
    changed = Augmentation(**OFF | {"coarse": 0.3}).build()(crops)
    share = ((changed - crops).abs().amax((1, 2, 3)) > 1).float().mean()
    assert 0.2 < share < 0.4
    same = (changed - crops).abs().amax((1, 2, 3)) <= 1e-3
    assert float(share + same.float().mean()) == pytest.approx(1)


def test_a_flip_is_a_mirror_image(crops: Tensor) -> None:
    assert torch.allclose(Augmentation(**OFF | {"flip": 1}).build()(crops), crops.float().flip(3), atol=1e-3)


def test_flipped_marks_the_mirrored_crops(crops: Tensor) -> None:
    transform = Augmentation(**OFF | {"flip": 0.5}).build()
    torch.manual_seed(3)
    changed = transform(crops.repeat(4, 1, 1, 1))
    assert transform.flipped is not None
    assert 0 < transform.flipped.sum() < 16
    for row, flipped in enumerate(transform.flipped):
        expected = crops[row % 4].float()
        assert torch.allclose(changed[row], expected.flip(2) if flipped else expected, atol=1e-3)


def test_the_seed_decides(crops: Tensor) -> None:
    augment = Augmentation(saturation=0.3, hue=0.1, grey=0.2, blur=0.5, coarse=0.5, jpeg=0.5).build()
    results = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        results.append(augment(crops))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("flip", 1.5),
        ("shift", 1.0),
        ("rotate", 181),
        ("light", -0.1),
        ("fog", 1),
        ("hue", 2),
        ("alpha", 0),
        ("mix", "cutmix"),
    ],
)
def test_a_wrong_value_or_key_is_refused(part: str, value: object) -> None:
    with pytest.raises(ValidationError, match=part):
        Augmentation(**{part: value})
