"""DenseNet-121 (papers/002, Table 4), with the tensor names of torchvision."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mien.faces.align import CROP
from mien.learn.models.network import Network, initialise
from mien.learn.models.preprocessing import Channels, Preprocessing, Scaling
from mien.tasks import FACE, Task

GROWTH, BOTTLENECK, LAYERS = 32, 4, (6, 12, 24, 16)
"""Channels that each layer adds; how many times as many its first convolution outputs; layers per block."""

OLD_NAME = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
"""torchvision's published file is older than its code: ``norm.1.`` for what the code names ``norm1.``."""


class DenseLayer(nn.Module):
    """Batch normalisation and a 1 x 1, then a 3 x 3 convolution; appends 32 channels to its input."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, BOTTLENECK * GROWTH, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(BOTTLENECK * GROWTH)
        self.conv2 = nn.Conv2d(BOTTLENECK * GROWTH, GROWTH, 3, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x (inputs + 32) x H x W."""
        fresh = self.conv2(self.norm2(self.conv1(self.norm1(x).relu())).relu())
        return torch.cat([x, fresh], 1)


def _transition(inputs: int) -> nn.Sequential:
    """Halve channels and map between two blocks."""
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(inputs),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(inputs, inputs // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )


class DenseTrunk(nn.Module):
    """A stem that reduces the picture to a quarter of its side, four dense blocks, and the mean over the map."""

    def __init__(self) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(3, 64, 7, 2, 3, bias=False),
            norm0=nn.BatchNorm2d(64),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, 2, 1),
        )
        width = 64
        for block, depth in enumerate(LAYERS, 1):
            inside = [(f"denselayer{i + 1}", DenseLayer(width + i * GROWTH)) for i in range(depth)]
            layers[f"denseblock{block}"] = nn.Sequential(OrderedDict[str, nn.Module](inside))
            width += depth * GROWTH
            if block < len(LAYERS):
                layers[f"transition{block}"] = _transition(width)
                width //= 2
        layers["norm5"] = nn.BatchNorm2d(width)
        self.features = nn.Sequential(layers)
        self.width = width
        initialise(self, "in")  # each layer outputs far fewer channels than it reads

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x H x W, H and W at least 29, to N x 1,024."""
        out: Tensor = self.features(x)
        return out.relu().mean((2, 3))


class DenseNet121(Network):
    """A DenseNet-121 (Huang et al. 2017): all tasks read its 1,024 pooled features.

    Args:
        tasks: the label space; each task has its own linear output layer.
        dropout: probability on the shared features, in training only.
        side: picture side in pixels, at least 32; 224 is ImageNet's.
        channels, detail, scaling: see :class:`mien.learn.models.preprocessing.Preprocessing`.
        weights: path of ImageNet weights, as torchvision or timm name them (use ``scaling: imagenet`` with them).

    Raises:
        ValueError: if ``side`` is below 32.
    """

    def __init__(
        self,
        *,
        tasks: Sequence[Task] = FACE,
        dropout: float = 0.0,
        side: int = CROP,
        channels: Channels = "rgb",
        detail: int | None = None,
        scaling: Scaling = "unit",
        weights: str | None = None,
    ) -> None:
        if side < 32:
            raise ValueError(f"side {side}: DenseNet121 halves the picture five times and needs at least 32 pixels")
        super().__init__(
            tasks=tasks,
            preprocessing=Preprocessing(channels, detail, side=side, scaling=scaling),
            trunk=DenseTrunk(),
            dropout=dropout,
            weights=weights,
        )

    def translate(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the tensors of torchvision's published file to the names of its current code."""
        return {OLD_NAME.sub(r"\1\2", name): tensor for name, tensor in tensors.items()}
