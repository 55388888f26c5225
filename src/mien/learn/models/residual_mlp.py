"""A residual network for feature vectors: descriptors of a frozen network, landmarks, tables."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mien.learn.models.network import Network
from mien.learn.models.preprocessing import VectorPreprocessing
from mien.learn.models.residual import Gate, gated
from mien.tasks import FACE, Task


class LinearUnit(nn.Module):
    """Two linear layers with layer normalisation and a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear1, self.norm1 = nn.Linear(width, width), nn.LayerNorm(width)
        self.linear2, self.norm2 = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, x: Tensor, gate: Gate = 1.0) -> Tensor:
        """N x width to N x width; ``gate`` multiplies the branch of the linear layers."""
        return gated(self.norm2(self.linear2(self.norm1(self.linear1(x)).relu())), x, gate)


class VectorTrunk(nn.Module):
    """One linear layer, then residual units of the same width.

    Args:
        inputs: length of a feature vector.
        width: units in each layer.
        depth: number of units.
    """

    def __init__(self, inputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(inputs, width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(LinearUnit(width) for _ in range(depth))
        self.width = width

    def begin(self, x: Tensor) -> Tensor:
        """N x inputs to N x width."""
        out: Tensor = self.norm(self.linear(x))
        return out.relu()

    def end(self, x: Tensor) -> Tensor:
        """The last unit's output, unchanged, is the feature vector."""
        return x

    def forward(self, x: Tensor) -> Tensor:
        """N x inputs to N x width."""
        x = self.begin(x)
        for block in self.blocks:
            x = block(x)
        return self.end(x)


class ResidualMLP(Network):
    """A residual network for manifests of feature vectors instead of pictures: all tasks read its last layer.

    It has layer normalisation instead of batch normalisation: a row's features do not depend on the other rows, and
    several processes compute the same as one.

    Args:
        inputs: shape of one input, (D,); the trainer sets it.
        tasks: the label space; each task has its own linear output layer.
        width: units in each layer.
        depth: number of residual units, each of two layers; 0 leaves only the first layer.
        dropout: probability on the shared features, in training only.

    Raises:
        ValueError: if the inputs are pictures, ``width`` is below 1 or ``depth`` below 0.

    Example:
        >>> ResidualMLP(inputs=(512,)).features(torch.zeros(2, 512)).shape
        torch.Size([2, 256])
    """

    def __init__(
        self,
        *,
        inputs: Sequence[int],
        tasks: Sequence[Task] = FACE,
        width: int = 256,
        depth: int = 2,
        dropout: float = 0.0,
    ) -> None:
        if len(inputs) != 1:
            shape = " x ".join(map(str, inputs))
            raise ValueError(f"ResidualMLP needs feature vectors; these inputs are pictures, {shape}")
        if width < 1 or depth < 0:
            raise ValueError(f"width {width}, depth {depth}: width must be 1 or more, depth 0 or more")
        super().__init__(
            tasks=tasks,
            preprocessing=VectorPreprocessing(inputs[0]),
            trunk=VectorTrunk(inputs[0], width, depth),
            dropout=dropout,
        )
