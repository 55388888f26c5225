"""The first layer of every network, from raw inputs to the inputs of its trunk."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from mien.faces.align import CROP, TEMPLATE

Channels = Literal["rgb", "grey"]
Scaling = Literal["unit", "imagenet"]

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601 weights of red, green and blue."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of red, green and blue in [0, 1] with which ImageNet weights were trained."""


class Preprocessing(nn.Module):
    """Checks pictures and scales them to [-1, 1] (papers/003, section 4.3), as part of the network and of its export.

    Args:
        channels: ``grey`` replaces colours by their luma, for networks trained on grey photos; the network still has
            three input channels.
        detail: side in pixels of the finest picture that the network sees, a divisor of ``side``; None: ``side``. A
            picture is averaged down to it and enlarged again, so that sharp pictures look like the small photos
            (FER2013 has 48 pixels) that the network was trained on.
        side: picture side in pixels; 112 is that of aligned face crops.
        scaling: ``unit`` is [-1, 1]; ``imagenet`` subtracts the ImageNet mean of each colour and divides by its
            standard deviation, as networks with ImageNet weights expect.
        view: side in pixels of the trunk's input, at least ``detail``; None: ``side``. A smaller one saves time and
            loses nothing that ``detail`` has not already removed.

    Raises:
        ValueError: if ``detail`` does not divide ``side``, or ``view`` is below ``detail``.

    Example:
        >>> Preprocessing(view=56, detail=56)(torch.zeros(2, 1, 112, 112)).shape
        torch.Size([2, 3, 56, 56])
    """

    def __init__(
        self,
        channels: Channels = "rgb",
        detail: int | None = None,
        *,
        side: int = CROP,
        scaling: Scaling = "unit",
        view: int | None = None,
    ) -> None:
        super().__init__()
        detail, view = side if detail is None else detail, side if view is None else view
        if side < 1 or detail < 1 or side % detail:
            raise ValueError(f"detail {detail}: must divide {side}")
        if view < detail:
            raise ValueError(f"view {view}: must be at least the detail, {detail}")
        self.channels, self.detail, self.side, self.scaling, self.view = channels, detail, side, scaling, view
        mean, std = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
        self.register_buffer("luma", torch.tensor(LUMA), persistent=False)
        self.register_buffer("factor", 0.5 / std, persistent=False)  # from [-1, 1], not from [0, 1]
        self.register_buffer("offset", (0.5 - mean) / std, persistent=False)
        self.luma: Tensor
        self.factor: Tensor
        self.offset: Tensor

    def forward(self, crops: Tensor) -> Tensor:
        """Scale pictures, uint8 or float in [0, 255], to N x 3 x view x view.

        Args:
            crops: N x 3 x side x side, or N x 1 x side x side of grey pictures.

        Raises:
            ValueError: for any other shape.
        """
        side = self.side
        if crops.ndim != 4 or crops.shape[1] not in (1, 3) or crops.shape[2:] != (side, side):
            raise ValueError(f"crops of shape {tuple(crops.shape)}; expected N x 3 x {side} x {side}")
        x = crops.float() / 127.5 - 1
        if self.channels == "grey" and x.shape[1] == 3:
            x = (x * self.luma.view(1, 3, 1, 1)).sum(1, keepdim=True)
        if self.detail < side:
            x = avg_pool2d(x, side // self.detail)
        if x.shape[2] != self.view:
            x = interpolate(x, size=(self.view, self.view), mode="bilinear")
        if self.scaling == "imagenet":
            x = x * self.factor + self.offset
        return x.expand(-1, 3, -1, -1)

    def to_dict(self) -> dict[str, object]:
        """Describe the pictures that the network expects."""
        metadata: dict[str, object] = {
            "shape": [3, self.side, self.side],
            "size": self.side,
            "template": (TEMPLATE * (self.side / CROP)).tolist(),
            "channels": self.channels,
            "detail": self.detail,
            "scaling": self.scaling,
            "view": self.view,
        }
        if self.scaling == "imagenet":
            return metadata | {"mean": list(IMAGENET_MEAN), "std": list(IMAGENET_STD)}
        return metadata | {"range": [-1, 1]}


class VectorPreprocessing(nn.Module):
    """Checks feature vectors and converts them to float32.

    Args:
        width: length of the vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, vectors: Tensor) -> Tensor:
        """N x width of any number type to float32.

        Raises:
            ValueError: for any other shape.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.width:
            raise ValueError(f"feature vectors of shape {tuple(vectors.shape)}; expected N x {self.width}")
        return vectors.float()

    def to_dict(self) -> dict[str, object]:
        """Describe the vectors that the network expects."""
        return {"shape": [self.width], "vector": self.width}
