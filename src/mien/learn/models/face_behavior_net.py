"""FaceBehaviorNet (papers/003, Fig. 1 and section 3.3): residual units, one feature vector, a linear head per task."""

from __future__ import annotations

from collections.abc import Sequence

from mien.faces.align import CROP
from mien.learn.models.network import Network
from mien.learn.models.preprocessing import Channels, Preprocessing, Scaling
from mien.learn.models.residual import ResidualTrunk, Stem
from mien.tasks import FACE, Task

NARROWEST = 8
"""On processors without AVX-512, oneDNN writes out of bounds in the gradient of a strided 1 x 1 convolution of fewer
channels (its issue 6035): wrong weights, a hang or a crash."""


class FaceBehaviorNet(Network):
    """The network of papers/003 (Fig. 1): all tasks read the same features of a residual trunk.

    Args:
        tasks: the label space; each task has its own linear output layer.
        width: channels of the first stage, 8 or more; each stage has twice as many as the one before. 24 gives 1.6 M
            parameters, 64 the 11 M of ResNet-18.
        depth: residual units of each stage; every stage except the first halves the map.
        stem: ``imagenet`` first reduces the picture to a quarter of its side; ``small`` keeps its size, for pictures of
            8 to about 48 pixels.
        dropout: probability on the shared features, in training only.
        side, channels, detail, scaling, view: see :class:`mien.learn.models.preprocessing.Preprocessing`.

    Raises:
        ValueError: if ``width`` is below 8, or a stage has no unit.

    Example:
        >>> network = FaceBehaviorNet()
        >>> sorted(network(torch.zeros(1, 3, 112, 112)))
        ['action_units', 'affect', 'expression', 'features']
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
            needed = f"needs at least {NARROWEST} channels, 1 stage and 1 unit in each"
            raise ValueError(f"width {width}, depth {list(depth)}: {needed}")
        super().__init__(
            tasks=tasks,
            preprocessing=Preprocessing(channels, detail, side=side, scaling=scaling, view=view),
            trunk=ResidualTrunk(width, depth, stem),
            dropout=dropout,
        )
