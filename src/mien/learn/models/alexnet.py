"""AlexNet with small heads, "AlexNet (tuned)" of papers/001, with the tensor names of torchvision."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from mien.faces.align import CROP
from mien.learn.models.network import Network, initialise
from mien.learn.models.preprocessing import Channels, Preprocessing, Scaling
from mien.tasks import FACE, Task

SMALLEST = 63
"""Smallest side in pixels: one is left after the first convolution and three poolings."""

MAP = 6
"""Side of the last map for pictures of 224 pixels."""


class AlexTrunk(nn.Module):
    """Five convolutions; the last map, pooled to 6 x 6, is the feature vector."""

    width = 256 * MAP * MAP

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, 1, 2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        initialise(self, "in")

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x H x W, H and W at least 63, to N x 9216."""
        return nn.functional.adaptive_avg_pool2d(self.features(x), (MAP, MAP)).flatten(1)


def regressor(inputs: int, outputs: int, *, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """Build the linear layers from the feature vector to one task's outputs, with ReLU after each hidden layer.

    Args:
        inputs: length of the feature vector.
        outputs: number of labels of the task.
        hidden: widths of the hidden layers.
        dropout: probability before each hidden layer except the first, which the network's own dropout precedes.
    """
    layers: list[nn.Module] = []
    for index, width in enumerate(hidden):
        layers += [nn.Dropout(dropout)] * (index > 0) + [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


class AlexNet(Network):
    """An AlexNet (Krizhevsky 2014): all tasks read its last map, each with a small regressor of its own.

    The paper calls it "a reduced model of FC layers of AlexNet" and refers elsewhere for details; the widths are those
    of its release. As in AlexNet, dropout comes before each hidden layer. Valence and arousal are unbounded.

    Args:
        tasks: the label space.
        hidden: widths of each regressor's hidden layers; with none it is linear, as in the other networks.
        dropout: probability before each hidden layer, in training only.
        side: picture side in pixels, at least 63; at 224, as in the paper, nothing is averaged.
        channels, detail, scaling: see :class:`mien.learn.models.preprocessing.Preprocessing`.
        weights: path of ImageNet weights with torchvision's names (use ``scaling: imagenet`` with them). The paper
            trains from scratch.

    Raises:
        ValueError: if ``side`` is below 63 or a hidden layer has no width.

    Example:
        >>> network = AlexNet(side=112)
        >>> network.features(torch.zeros(2, 3, 112, 112)).shape
        torch.Size([2, 9216])
    """

    def __init__(
        self,
        *,
        tasks: Sequence[Task] = FACE,
        hidden: Sequence[int] = (64, 8),
        dropout: float = 0.5,
        side: int = CROP,
        channels: Channels = "rgb",
        detail: int | None = None,
        scaling: Scaling = "unit",
        weights: str | None = None,
    ) -> None:
        if side < SMALLEST:
            raise ValueError(f"side {side}: AlexNet halves the picture five times and needs at least {SMALLEST} pixels")
        if hidden and min(hidden) < 1:
            raise ValueError(f"hidden {list(hidden)}: all widths must be 1 or more")
        super().__init__(
            tasks=tasks,
            preprocessing=Preprocessing(channels, detail, side=side, scaling=scaling),
            trunk=AlexTrunk(),
            head=partial(regressor, hidden=tuple(hidden), dropout=dropout),
            dropout=dropout,
            weights=weights,
        )
