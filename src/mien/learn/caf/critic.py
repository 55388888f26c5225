"""What every critic is: a small network on the encoder's features, a loss of its own, one for the encoder."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Bound = Literal["tanh", "none"]


class Critic(nn.Module):
    """Tells strong emotions (distribution P of papers/001) from weak ones (Q) by the features of the encoder.

    The layers are those of the paper's release: two linear ones without an activation between them, dropout, ReLU, and
    a linear one. The subclasses bring ``critic_loss``, which the critic descends with the encoder frozen, and, where
    it is not the paper's, ``adversarial_loss``, which the encoder descends with the critic frozen.

    Departure: the paper's functions are bounded ("measurable and bounded"), its release's are not, and their spread
    then grows without end, since the encoder pushes the outputs up. ``bound: tanh`` keeps them in (-1, 1).

    Args:
        features: length of the encoder's feature vectors.
        outputs: length d of the critic's vectors.
        hidden: widths of the two layers before.
        dropout: probability, in training only.
        bound: ``tanh``, or ``none`` as in the release.

    Raises:
        ValueError: if a width is not positive or dropout is no probability.
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
            raise ValueError(f"hidden {list(hidden)}, outputs {outputs}: all widths are 1 or more")
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
        """N x features to z, N x outputs, in float32."""
        z: Tensor = self.layers(features.float())
        return z

    def critic_loss(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """What the critic descends: a scalar.

        It is a function of the whole batch, over all ranks; what it remembers beside its parameters are buffers.

        Args:
            strong: N_s x outputs, N_s >= 2, in training.
            weak: N_w x outputs, N_w >= 1.
            epoch: passes over the training set so far.
        """
        raise NotImplementedError

    def adversarial_loss(self, strong: Tensor, weak: Tensor) -> Tensor:
        """What the encoder descends: a scalar; papers/001, line 7 of Algorithm 1: L_adv = - 1/N_w sum_i z_wi.

        Departure: z is a vector there and the loss a number; as in the release it is the mean over the dimensions, too.

        Args:
            strong: N_s x outputs; not used here.
            weak: N_w x outputs, N_w >= 1.
        """
        return -weak.mean()
