"""ResNet-18 and ResNet-50 (papers/002, Tables 4 and 5), with the tensor names of torchvision."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from mien.faces.align import CROP
from mien.learn.models.network import Network, initialise
from mien.learn.models.preprocessing import Channels, Preprocessing, Scaling
from mien.learn.models.residual import Gate, Stem, gated
from mien.tasks import FACE, Task


def _downsample(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """The 1 x 1 convolution of a shortcut that changes the shape."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class BasicUnit(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    growth = 1

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = _downsample(inputs, channels, stride)

    def forward(self, x: Tensor, gate: Gate = 1.0) -> Tensor:
        """N x inputs x H x W to N x channels x H/stride x W/stride; ``gate`` multiplies the convolutional branch."""
        residual = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return gated(residual, x if self.downsample is None else self.downsample(x), gate)


class BottleneckUnit(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions and a shortcut; the 3 x 3 one has the stride, as in torchvision ("v1.5")."""

    growth = 4

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        outputs = self.growth * channels
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _downsample(inputs, outputs, stride)

    def forward(self, x: Tensor, gate: Gate = 1.0) -> Tensor:
        """N x inputs x H x W to N x 4 channels x H/stride x W/stride; ``gate`` multiplies the convolutional branch."""
        residual = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())).relu()
        residual = self.bn3(self.conv3(residual))
        return gated(residual, x if self.downsample is None else self.downsample(x), gate)


class ResNetTrunk(nn.Module):
    """A stem, four stages of units, and the mean over the map.

    Args:
        unit: class of the units.
        depth: units of each stage; every stage except the first halves the map.
        stem: ``imagenet`` is a 7 x 7 convolution and a max pooling that reduce the picture to a quarter of its side;
            ``small`` a 3 x 3 convolution that keeps its size.
    """

    def __init__(self, unit: type[BasicUnit] | type[BottleneckUnit], depth: Sequence[int], stem: Stem) -> None:
        super().__init__()
        self.stem = stem
        self.conv1 = nn.Conv2d(3, 64, *((7, 2, 3) if stem == "imagenet" else (3, 1, 1)), bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs, stages = 64, []
        for stage, units in enumerate(depth):
            channels, blocks = 64 * 2**stage, []
            for index in range(units):
                blocks.append(unit(inputs, channels, 2 if stage and not index else 1))
                inputs = unit.growth * channels
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.width = inputs
        initialise(self)

    @property
    def blocks(self) -> nn.ModuleList:
        """All units in order. The stages own them, so that the tensors keep torchvision's names."""
        return nn.ModuleList([block for stage in self._stages for block in stage])

    @property
    def _stages(self) -> tuple[nn.Sequential, ...]:
        return self.layer1, self.layer2, self.layer3, self.layer4

    def begin(self, x: Tensor) -> Tensor:
        """N x 3 x H x W to the input of the first unit."""
        x = self.bn1(self.conv1(x)).relu()
        return max_pool2d(x, 3, 2, 1) if self.stem == "imagenet" else x

    def end(self, x: Tensor) -> Tensor:
        """The last unit's map to N x width: the mean over positions."""
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x H x W to N x width."""
        x = self.begin(x)
        for stage in self._stages:
            x = stage(x)
        return self.end(x)


class ResNet18(Network):
    """A ResNet-18 (He et al. 2016): all tasks read its 512 pooled features.

    Args:
        tasks: the label space; each task has its own linear output layer.
        stem: ``imagenet`` first reduces the picture to a quarter of its side; ``small`` keeps its size, for pictures of
            8 to about 48 pixels. ImageNet weights fit only ``imagenet``.
        dropout: probability on the shared features, in training only.
        side: picture side in pixels; 224 is ImageNet's.
        channels, detail, scaling: see :class:`mien.learn.models.preprocessing.Preprocessing`.
        weights: path of ImageNet weights, as torchvision or timm name them (use ``scaling: imagenet`` with them).
    """

    def __init__(
        self,
        *,
        tasks: Sequence[Task] = FACE,
        stem: Stem = "imagenet",
        dropout: float = 0.0,
        side: int = CROP,
        channels: Channels = "rgb",
        detail: int | None = None,
        scaling: Scaling = "unit",
        weights: str | None = None,
    ) -> None:
        super().__init__(
            tasks=tasks,
            preprocessing=Preprocessing(channels, detail, side=side, scaling=scaling),
            trunk=self._trunk(stem),
            dropout=dropout,
            weights=weights,
        )

    def _trunk(self, stem: Stem) -> ResNetTrunk:
        return ResNetTrunk(BasicUnit, (2, 2, 2, 2), stem)


class ResNet50(ResNet18):
    """A ResNet-50 (He et al. 2016): all tasks read its 2,048 pooled features. Arguments as for :class:`ResNet18`.

    The stride is in the 3 x 3 convolution, as in torchvision and timm; the original has it in the first 1 x 1.
    """

    def _trunk(self, stem: Stem) -> ResNetTrunk:
        return ResNetTrunk(BottleneckUnit, (3, 4, 6, 3), stem)
