"""FaceBehaviorNet (papers/003, Fig. 1 and section 3.3): residual units, one feature vector, a linear head a task."""

from __future__ import annotations

from collections.abc import Sequence

from mien.faces.align import CROP
from mien.learn.models.network import ACTIVATIONS, Network, readable
from mien.learn.models.preprocessing import Channels, Preprocessing, Scaling
from mien.learn.models.residual import ResidualTrunk, Stem
from mien.tasks import FACE, Task

__all__ = ["ACTIVATIONS", "FaceBehaviorNet", "readable"]


NARROWEST = 8
"""On processors without AVX-512, oneDNN writes past its memory in the gradient of a strided 1 x 1 convolution of fewer
channels (its issue 6035): wrong weights, a hang or a crash."""


class FaceBehaviorNet(Network):
    """All tasks read from the same feature space.

    Args:
        tasks: the label space; each task has its own linear output layer.
        width: channels of the first stage, 8 or more; each stage has twice those of the one before. 24 makes 1.6 M
            parameters, 64 the 11 M of ResNet-18.
        depth: residual units of each stage; every stage but the first halves the map.
        stem: ``imagenet`` quarters the picture before the first stage; ``small`` keeps its size, for pictures of
            8 to about 48 pixels.
        dropout: probability on the shared features, in training only.
        side, channels, detail, scaling, view: see :class:`mien.learn.models.preprocessing.Preprocessing`.
    """

    def __init__(
        self,
        *,
        tasks: Sequence[Task] = FACE,
        width: int = 24,
        depth: Sequence[int] = (2, 2, 2, 2),
        stem: Stem = "imagenet",
        dropout: float = 0.0,
        side: int = CROP,
        channels: Channels = "rgb",
        detail: int | None = None,
        scaling: Scaling = "unit",
        view: int | None = None,
    ) -> None:
        if width < NARROWEST or not depth or min(depth) < 1:
            least = f"at least {NARROWEST} channels, 1 stage and 1 unit in each"
            raise ValueError(f"width {width}, depth {list(depth)}: {least}")
        super().__init__(
            tasks=tasks,
            preprocessing=Preprocessing(channels, detail, side=side, scaling=scaling, view=view),
            trunk=ResidualTrunk(width, depth, stem),
            dropout=dropout,
        )
