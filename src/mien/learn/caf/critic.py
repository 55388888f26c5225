"""The base class of all critics: a small network on the encoder's features, and the losses of critic and encoder."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Bound = Literal["tanh", "none"]


class Critic(nn.Module):
    """Distinguishes strong emotions (distribution P of papers/001) from weak ones (Q) by the encoder's features.

    The layers are those of the paper's release: two linear layers without an activation between them, dropout, ReLU,
    and a linear layer. Subclasses define ``critic_loss``, which the critic minimises while the encoder is frozen, and,
    if it is not the paper's, ``adversarial_loss``, which the encoder minimises while the critic is frozen.

    Departure: the paper's functions are bounded ("measurable and bounded"), those of its release are not, and their
    spread then grows without bound, because the encoder pushes the outputs up. ``bound: tanh`` keeps them in (-1, 1).

    Args:
        features: length of the encoder's feature vectors.
        outputs: length d of the critic's output vectors.
        hidden: widths of the two layers before the output.
        dropout: probability, in training only.
        bound: ``tanh``, or ``none`` as in the release.

    Raises:
        ValueError: if a width is not positive or dropout is not a probability.
    """

    def __init__(
        self,
        features: int,
        *,
        outputs: int = 16,
        hidden: tuple[int, int] = (64, 32),
        dropout: float = 0.2,
        bound: Bound = "tanh",
    ) -> None:
        super().__init__()
        if min(features, outputs, *hidden) < 1:
            raise ValueError(f"hidden {list(hidden)}, outputs {outputs}: all widths must be 1 or more")
        first, second = hidden
        self.layers = nn.Sequential(
            nn.Linear(features, first),
            nn.Linear(first, second),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(second, outputs),
            nn.Tanh() if bound == "tanh" else nn.Identity(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map N x features to z, N x outputs, in float32."""
        z: Tensor = self.layers(features.float())
        return z

    def critic_loss(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """Return the scalar that the critic minimises.

        It is a function of the whole batch, over all ranks. State other than parameters is kept in buffers.

        Args:
            strong: N_s x outputs, N_s >= 2, in training.
            weak: N_w x outputs, N_w >= 1.
            epoch: passes over the training set so far.
        """
        raise NotImplementedError

    def adversarial_loss(self, strong: Tensor, weak: Tensor) -> Tensor:
        """Return the scalar that the encoder minimises: L_adv = - 1/N_w sum_i z_wi (papers/001, Algorithm 1, line 7).

        Departure: there z is a vector but the loss is a number; as in the release, the mean is over the dimensions too.

        Args:
            strong: N_s x outputs; not used here.
            weak: N_w x outputs, N_w >= 1.
        """
        return -weak.mean()
