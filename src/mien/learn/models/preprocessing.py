"""The first layer of every network: from an aligned crop to what the convolutions see."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from mien.faces.align import CROP, TEMPLATE

Channels = Literal["rgb", "grey"]

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights of red, green and blue."""


class Preprocessing(nn.Module):
    """Checks a crop and scales it to [-1, 1] (papers/003, section 4.3). It lives in the network and its export.

    Args:
        channels: ``grey`` replaces each colour by its luma, for networks trained on grey photos; the
            network still has three input channels.
        detail: side in pixels of the finest picture that the network sees; a divisor of 112. A crop is
            averaged down to it and enlarged again, so that to a network trained on small photos (FER2013 has
            48 pixels) a sharp one looks like those.
    """

    def __init__(self, channels: Channels = "rgb", detail: int = CROP) -> None:
        super().__init__()
        if detail < 1 or CROP % detail:
            raise ValueError(f"detail {detail}: must divide {CROP}")
        self.channels, self.detail = channels, detail
        self.register_buffer("luma", torch.tensor(LUMA), persistent=False)
        self.luma: Tensor

    def forward(self, crops: Tensor) -> Tensor:
        """Crops, uint8 or float in [0, 255], to N x 3 x 112 x 112 in [-1, 1].

        Args:
            crops: N x 3 x 112 x 112, or N x 1 x 112 x 112 of grey pictures.

        Raises:
            ValueError: for any other shape.
        """
        if crops.ndim != 4 or crops.shape[1] not in (1, 3) or crops.shape[2:] != (CROP, CROP):
            raise ValueError(f"crops of shape {tuple(crops.shape)}; expected N x 3 x {CROP} x {CROP}")
        x = crops.float() / 127.5 - 1
        if self.channels == "grey" and x.shape[1] == 3:
            x = (x * self.luma.view(1, 3, 1, 1)).sum(1, keepdim=True)
        if self.detail < CROP:
            x = interpolate(avg_pool2d(x, CROP // self.detail), size=(CROP, CROP), mode="bilinear")
        return x.expand(-1, 3, -1, -1)

    def to_dict(self) -> dict[str, object]:
        """What an annotator must know to cut the right crop."""
        return {
            "size": CROP,
            "template": TEMPLATE.tolist(),
            "channels": self.channels,
            "detail": self.detail,
            "range": [-1, 1],
        }
