"""VGG-16 (papers/002, Table 4), with the tensor names of torchvision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor, nn

from mien.faces.align import CROP
from mien.learn.models.network import Network, initialise
from mien.learn.models.preprocessing import Channels, Preprocessing, Scaling
from mien.tasks import FACE, Task

STAGES = (2, 2, 3, 3, 3)
"""Convolutions of each stage; a stage ends by halving the map."""

CHANNELS = (64, 128, 256, 512, 512)

TIMM = {"pre_logits.fc1.": "classifier.0.", "pre_logits.fc2.": "classifier.3."}
"""timm stores the two hidden layers as convolutions under these names."""


class VGGTrunk(nn.Module):
    """13 convolutions of 3 x 3, then two linear layers of 4,096 on a 7 x 7 map, or the mean over the map.

    Args:
        batch_norm: whether batch normalisation follows each convolution.
        head: ``fc`` or ``pool``.
        dropout: probability after the first linear layer; the one after the second is the network's.
    """

    def __init__(self, batch_norm: bool, head: Literal["fc", "pool"], dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for convolutions, outputs in zip(STAGES, CHANNELS, strict=True):
            for _ in range(convolutions):
                layers.append(nn.Conv2d(inputs, outputs, 3, 1, 1))
                layers += [nn.BatchNorm2d(outputs)] if batch_norm else []
                layers.append(nn.ReLU(inplace=True))
                inputs = outputs
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.head, self.width = head, 4096 if head == "fc" else inputs
        self.classifier = nn.Sequential()
        if head == "fc":
            self.classifier = nn.Sequential(
                nn.Linear(inputs * 7 * 7, 4096),
                nn.ReLU(inplace=True),
                nn.Dropout(dropout),
                nn.Linear(4096, 4096),
                nn.ReLU(inplace=True),
            )
        initialise(self)
        for module in self.classifier:
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0.0, 0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x H x W, H and W at least 32, to N x width."""
        x = self.features(x)
        if self.head == "pool":
            return x.mean((2, 3))
        out: Tensor = self.classifier(nn.functional.adaptive_avg_pool2d(x, (7, 7)).flatten(1))
        return out


class VGG16(Network):
    """A VGG-16 (Simonyan and Zisserman 2015): all tasks read its last hidden layer.

    Args:
        tasks: the label space; each task has its own linear output layer.
        batch_norm: whether to use batch normalisation (torchvision's ``vgg16_bn``); the paper does not say. Without it,
            the network hardly trains from random weights.
        head: ``fc`` keeps the two hidden layers of 4,096, with 120 M of the 134 M parameters; ``pool`` uses the mean
            over the map, 512 features, instead.
        dropout: probability after each hidden layer, in training only.
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
        batch_norm: bool = True,
        head: Literal["fc", "pool"] = "fc",
        dropout: float = 0.5,
        side: int = CROP,
        channels: Channels = "rgb",
        detail: int | None = None,
        scaling: Scaling = "unit",
        weights: str | None = None,
    ) -> None:
        if side < 32:
            raise ValueError(f"side {side}: VGG16 halves the picture five times and needs at least 32 pixels")
        super().__init__(
            tasks=tasks,
            preprocessing=Preprocessing(channels, detail, side=side, scaling=scaling),
            trunk=VGGTrunk(batch_norm, head, dropout),
            dropout=dropout,
            weights=weights,
        )

    def translate(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename timm's tensors to torchvision's names; its 7 x 7 and 1 x 1 convolutions become linear layers."""
        renamed = {}
        for name, tensor in tensors.items():
            prefix = next((prefix for prefix in TIMM if name.startswith(prefix)), None)
            if prefix is None:
                renamed[name] = tensor
            else:
                renamed[TIMM[prefix] + name.removeprefix(prefix)] = tensor.flatten(1) if tensor.ndim > 1 else tensor
        return renamed
