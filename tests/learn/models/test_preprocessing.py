"""From a crop to what the convolutions see."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.learn.models.preprocessing import LUMA, Preprocessing


@pytest.fixture
def crops() -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 112, 112), np.uint8))


def test_black_is_minus_one_and_white_is_one() -> None:
    scale = Preprocessing()
    assert (scale(torch.zeros(1, 3, 112, 112)) == -1).all()
    assert (scale(torch.full((1, 3, 112, 112), 255, dtype=torch.uint8)) == 1).all()


@pytest.mark.parametrize("channels", ["rgb", "grey"])
@pytest.mark.parametrize("detail", [112, 56, 16])
def test_values_lie_in_minus_one_to_one(channels: str, detail: int, crops: Tensor) -> None:
    x = Preprocessing(channels, detail)(crops)  # type: ignore[arg-type]
    assert x.shape == (2, 3, 112, 112)
    assert x.abs().max() <= 1 + 1e-6


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


def test_detail_takes_away_what_is_finer() -> None:
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
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected N x 3 x 112 x 112"):
        Preprocessing()(torch.zeros(shape))


@pytest.mark.parametrize("detail", [0, -56, 50, 224])
def test_a_detail_that_does_not_divide_the_crop_is_refused(detail: int) -> None:
    with pytest.raises(ValueError, match=f"detail {detail}: must divide 112"):
        Preprocessing(detail=detail)
