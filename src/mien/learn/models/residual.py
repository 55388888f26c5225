"""Residual units with a gate, and FaceBehaviorNet's trunk, which is built from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from mien.learn.models.network import initialise

Gate = float | Tensor
"""A number in [0, 1], or a tensor with one."""

Stem = Literal["imagenet", "small"]


def gated(residual: Tensor, shortcut: Tensor, gate: Gate) -> Tensor:
    """relu(gate * residual + shortcut): a gate of 0 skips the unit, a gate of 1 makes it an ordinary one."""
    if isinstance(gate, Tensor) or gate != 1:
        residual = gate * residual
    return (residual + shortcut).relu()


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

    def forward(self, x: Tensor, gate: Gate = 1.0) -> Tensor:
        """N x inputs x H x W to N x outputs x H/stride x W/stride; ``gate`` multiplies the convolutional branch."""
        residual = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return gated(residual, self.shortcut(x), gate)


class ResidualTrunk(nn.Module):
    """The trunk of FaceBehaviorNet: a stem, stages of residual units, and the mean over the map.

    Args:
        width: channels of the first stage; each stage has twice as many as the one before.
        depth: units of each stage; every stage except the first halves the map.
        stem: ``imagenet`` first reduces the picture to a quarter of its side; ``small`` keeps its size, for pictures of
            less than about 48 pixels.
    """

    def __init__(self, width: int, depth: Sequence[int], stem: Stem) -> None:
        super().__init__()
        shrink = stem == "imagenet"
        layers = [nn.Conv2d(3, width, 3, 2 if shrink else 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        self.stem = nn.Sequential(*layers, *([nn.MaxPool2d(3, 2, 1)] if shrink else []))
        blocks, inputs = [], width
        for stage, units in enumerate(depth):
            outputs = width * 2**stage
            for unit in range(units):
                blocks.append(ResidualUnit(inputs, outputs, 2 if stage and not unit else 1))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.width = inputs
        initialise(self)

    def begin(self, x: Tensor) -> Tensor:
        """N x 3 x H x W to the input of the first unit."""
        out: Tensor = self.stem(x)
        return out

    def end(self, x: Tensor) -> Tensor:
        """The last unit's map to N x width: the mean over positions."""
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x H x W to N x width."""
        x = self.begin(x)
        for block in self.blocks:
            x = block(x)
        return self.end(x)
