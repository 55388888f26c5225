"""Preprocessing: range, colours, detail, and size."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.faces.align import TEMPLATE
from mien.learn.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, LUMA, Preprocessing, VectorPreprocessing


@pytest.fixture
def crops() -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 112, 112), np.uint8))


def test_black_is_minus_one_and_white_is_one() -> None:
    scale = Preprocessing()
    assert (scale(torch.zeros(1, 3, 112, 112)) == -1).all()
    assert (scale(torch.full((1, 3, 112, 112), 255, dtype=torch.uint8)) == 1).all()


@pytest.mark.parametrize("channels", ["rgb", "grey"])
@pytest.mark.parametrize("detail", [112, 56, 16])
def test_values_keep_their_mean_and_stay_in_range(channels: str, detail: int, crops: Tensor) -> None:
    x = Preprocessing(channels, detail)(crops)  # type: ignore[arg-type]
    assert x.shape == (2, 3, 112, 112)
    assert x.abs().max() <= 1 + 1e-6
    colours = crops.float().mean((0, 2, 3))
    mean = (colours * torch.tensor(LUMA)).sum().expand(3) if channels == "grey" else colours
    assert torch.allclose(x.mean((0, 2, 3)), mean / 127.5 - 1, atol=1e-3)


def test_uint8_and_float_agree(crops: Tensor) -> None:
    for scale in (Preprocessing(), Preprocessing("grey", 56)):
        assert torch.equal(scale(crops), scale(crops.float()))


def test_grey_sees_only_the_luma(crops: Tensor) -> None:
    scale = Preprocessing("grey")
    luma = (crops.float() * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    assert torch.allclose(scale(crops), scale(luma.expand(-1, 3, -1, -1)), atol=1e-5)
    assert torch.allclose(scale(crops), scale(luma), atol=1e-5)
    red, green = torch.zeros(1, 3, 112, 112), torch.zeros(1, 3, 112, 112)
    red[:, 0], green[:, 1] = 200, 200
    assert (scale(green) > scale(red)).all()


def test_rgb_keeps_the_colours_apart_and_in_order(crops: Tensor) -> None:
    assert torch.allclose(Preprocessing()(crops), crops.float() / 127.5 - 1)


def test_a_grey_picture_fills_three_channels(crops: Tensor) -> None:
    x = Preprocessing()(crops[:, :1])
    assert torch.equal(x[:, 0], x[:, 1])
    assert torch.equal(x[:, 0], x[:, 2])
    assert torch.allclose(x[:, 0], crops[:, 0].float() / 127.5 - 1)


def test_detail_removes_finer_structure() -> None:
    rows, columns = torch.arange(112)[:, None], torch.arange(112)[None]
    fine = (255 * ((rows + columns) % 2)).float().expand(1, 3, -1, -1)
    coarse = (255 * ((rows // 28 + columns // 28) % 2)).float().expand(1, 3, -1, -1)
    assert Preprocessing(detail=112)(fine).std() > 0.9
    assert Preprocessing(detail=56)(fine).std() < 1e-3
    assert Preprocessing(detail=56)(coarse).std() > 0.9


def test_a_blurred_picture_keeps_its_place_and_light() -> None:
    spot = torch.zeros(1, 1, 112, 112)
    spot[..., 20:22, 90:92] = 255
    x = Preprocessing(detail=56)(spot)[0, 0] + 1
    place = torch.arange(112.0)
    assert (x.sum(1) @ place / x.sum()).item() == pytest.approx(20.5, abs=0.01)
    assert (x.sum(0) @ place / x.sum()).item() == pytest.approx(90.5, abs=0.01)
    assert x.sum().item() == pytest.approx((Preprocessing()(spot)[0, 0] + 1).sum().item(), rel=1e-4)


@pytest.mark.parametrize("shape", [(2, 3, 96, 112), (2, 4, 112, 112), (3, 112, 112), (2, 112, 112, 3)])
def test_another_shape_is_rejected(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected N x 3 x 112 x 112"):
        Preprocessing()(torch.zeros(shape))


@pytest.mark.parametrize("detail", [0, -56, 50, 224])
def test_a_detail_that_does_not_divide_the_crop_is_rejected(detail: int) -> None:
    with pytest.raises(ValueError, match=f"detail {detail}: must divide 112"):
        Preprocessing(detail=detail)


def test_view_is_the_size_of_the_trunks_input() -> None:
    light = Preprocessing(detail=56, view=96)(torch.full((2, 1, 112, 112), 255.0))
    assert light.shape == (2, 3, 96, 96)
    assert torch.allclose(light, torch.ones(()))
    half = torch.zeros(1, 1, 112, 112)
    half[..., :56] = 255
    shown = Preprocessing(detail=56, view=56)(half)[0, 0]
    assert (shown[:, :28] == 1).all()
    assert (shown[:, 28:] == -1).all()
    with pytest.raises(ValueError, match="view 48: must be at least the detail, 56"):
        Preprocessing(detail=56, view=48)


def test_any_side_works() -> None:
    scale = Preprocessing(side=48, detail=12)
    x = scale(torch.full((2, 3, 48, 48), 255.0))
    assert x.shape == (2, 3, 48, 48)
    assert (x == 1).all()
    with pytest.raises(ValueError, match="expected N x 3 x 48 x 48"):
        scale(torch.zeros(2, 3, 112, 112))
    with pytest.raises(ValueError, match="detail 112: must divide 48"):
        Preprocessing(side=48, detail=112)
    assert Preprocessing(side=48).detail == 48


@pytest.mark.parametrize("channels", ["rgb", "grey"])
def test_imagenet_scaling_standardises_each_colour(channels: str, crops: Tensor) -> None:
    scale = Preprocessing(channels, scaling="imagenet")  # type: ignore[arg-type]
    x = crops.double() / 255
    if channels == "grey":
        x = (x * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    expected = torch.stack([(x[:, c] - IMAGENET_MEAN[c]) / IMAGENET_STD[c] for c in range(3)], 1)
    assert torch.allclose(scale(crops).double(), expected, atol=1e-5)


def test_it_describes_its_pictures() -> None:
    assert Preprocessing().to_dict() == {
        "shape": [3, 112, 112],
        "size": 112,
        "template": TEMPLATE.tolist(),
        "channels": "rgb",
        "detail": 112,
        "scaling": "unit",
        "view": 112,
        "range": [-1, 1],
    }
    metadata = Preprocessing("grey", 56, side=224, scaling="imagenet").to_dict()
    assert (metadata["shape"], metadata["size"], metadata["template"]) == ([3, 224, 224], 224, (2 * TEMPLATE).tolist())
    assert (metadata["mean"], metadata["std"]) == (list(IMAGENET_MEAN), list(IMAGENET_STD))
    assert "range" not in metadata


def test_feature_vectors_are_unchanged() -> None:
    vectors = torch.tensor([[1.5, -2.0, 300.0]], dtype=torch.float64)
    scale = VectorPreprocessing(3)
    assert torch.equal(scale(vectors), vectors.float())
    assert scale(vectors).dtype == torch.float32
    assert scale.to_dict() == {"shape": [3], "vector": 3}
    for wrong in (torch.zeros(2, 4), torch.zeros(3), torch.zeros(2, 3, 1)):
        with pytest.raises(ValueError, match="expected N x 3"):
            scale(wrong)
