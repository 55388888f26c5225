"""FaceBehaviorNet (papers/003, Fig. 1 and section 3.3): residual units, one feature vector, a linear head a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mien.faces.align import CROP
from mien.learn.models.preprocessing import Channels, Preprocessing
from mien.tasks import FACE, Kind, Task


class ResidualUnit(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation and a shortcut; the first may halve the map."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H/stride x W/stride."""
        residual = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        summed: Tensor = residual + self.shortcut(x)
        return summed.relu()


class FaceBehaviorNet(nn.Module):
    """All tasks read from the same feature space.

    Args:
        tasks: the label space; each task has its own linear output layer.
        width: channels of the first stage; each stage has twice those of the one before. 24 makes 1.6 M parameters,
            64 the 11 M of ResNet-18.
        depth: residual units of each stage; every stage but the first halves the map.
        dropout: probability on the shared features, in training only.
        channels, detail: see :class:`mien.learn.models.preprocessing.Preprocessing`.
    """

    def __init__(
        self,
        *,
        tasks: Sequence[Task] = FACE,
        width: int = 24,
        depth: Sequence[int] = (2, 2, 2, 2),
        dropout: float = 0.0,
        channels: Channels = "rgb",
        detail: int = CROP,
    ) -> None:
        super().__init__()
        if width < 1 or not depth or min(depth) < 1:
            raise ValueError(f"width {width}, depth {list(depth)}: at least 1 channel, 1 stage and 1 unit in each")
        self.tasks = tuple(tasks)
        self.preprocessing = Preprocessing(channels, detail)
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        stages, inputs = [], width
        for stage, units in enumerate(depth):
            outputs = width * 2**stage
            for unit in range(units):
                stages.append(ResidualUnit(inputs, outputs, 2 if stage and not unit else 1))
                inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({task.name: nn.Linear(inputs, len(task)) for task in self.tasks})
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, crops: Tensor) -> Tensor:
        """The shared feature vector of each crop: N x (width of the last stage)."""
        x = self.preprocessing(crops).contiguous(memory_format=torch.channels_last)
        pooled: Tensor = self.stages(self.stem(x)).mean((2, 3))
        return pooled

    def forward(self, crops: Tensor) -> dict[str, Tensor]:
        """Raw outputs of each task, N x labels: logits, and unbounded valence and arousal.

        Args:
            crops: N x 3 x 112 x 112, uint8 or float in [0, 255].
        """
        features = self.dropout(self.features(crops))
        return {name: head(features).float() for name, head in self.heads.items()}


ACTIVATIONS: dict[Kind, Callable[[Tensor], Tensor]] = {
    Kind.CLASSES: lambda raw: raw.softmax(1),
    Kind.ATTRIBUTES: torch.sigmoid,
    Kind.CONTINUOUS: lambda raw: raw.clamp(-1, 1),
}
"""From raw outputs to what a user reads."""


def readable(outputs: dict[str, Tensor], tasks: Sequence[Task]) -> dict[str, Tensor]:
    """Probabilities, and values in [-1, 1], from the raw outputs of a network."""
    return {task.name: ACTIVATIONS[task.kind](outputs[task.name]) for task in tasks}
