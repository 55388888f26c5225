"""The critic of Fisher GAN (Mroueh and Sercu, 2017) in the place of the contrastive one (papers/001, Table 4)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mien.learn.caf.critic import Critic


def second_moment(p: Tensor, q: Tensor) -> Tensor:
    """Omega = 1/2 E_P f^2 + 1/2 E_Q f^2, a scalar.

    Args:
        p: f at samples of P, any shape.
        q: f at samples of Q.
    """
    return (p.square().mean() + q.square().mean()) / 2


class FisherGan(Critic):
    """The Fisher integral probability metric: a difference of means under a constraint of the second order.

        d_F(P, Q) = sup_f  E_P f - E_Q f   with   Omega(f) = 1/2 E_P f^2 + 1/2 E_Q f^2 = 1

    By its augmented Lagrangian (eq. 9 and Algorithm 1 there), which the critic ascends and the multiplier descends:

        E_P f - E_Q f + L (1 - Omega) - rho/2 (Omega - 1)^2          then   L <- L - rho (1 - Omega)

    so that L, 0 at first, grows while f is too large. ``critic_loss`` is its negative. P, the data there, are the
    strong samples, Q, the generated ones, the weak: in Algorithm 1 of papers/001 it is the weak ones that the encoder
    moves. The generator descends - E_Q f, which is the encoder's loss of papers/001 to the letter: it stays.

    Minimum: - d_F at the saddle point, where Omega = 1 and L = d_F / 2. Over all f, d_F^2 is the integral of
    2 (P - Q)^2 / (P + Q), so that d_F is in [0, 2].

    f is one number, and it has no bound, as there: the constraint holds it. Within (-1, 1) Omega would never reach 1
    and the multiplier would fall for ever, so ``outputs`` and ``bound`` are no options.

    Args:
        features: length of the encoder's feature vectors.
        rho: factor of the penalty and rate of the multiplier; 1e-6 is that paper's. Mind that it is slow: without a
            multiplier f grows until Omega is far above 1.
        hidden, dropout: see :class:`mien.learn.caf.critic.Critic`.

    Raises:
        ValueError: if rho is not positive, or as the critic does.
    """

    multiplier: Tensor

    def __init__(
        self, features: int, *, rho: float = 1e-6, hidden: tuple[int, int] = (64, 32), dropout: float = 0.2
    ) -> None:
        super().__init__(features, outputs=1, hidden=hidden, dropout=dropout, bound="none")
        if not 0 < rho < math.inf:
            raise ValueError(f"FisherGan: rho is above 0, not {rho}")
        self.rho = rho
        self.register_buffer("multiplier", torch.zeros(()))

    def critic_loss(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """The negative Lagrangian; it moves the multiplier. See :meth:`mien.learn.caf.critic.Critic.critic_loss`."""
        slack = 1 - second_moment(strong, weak)
        gain = strong.mean() - weak.mean() + self.multiplier.clone() * slack - self.rho / 2 * slack.square()
        with torch.no_grad():
            self.multiplier -= self.rho * slack
        return -gain
