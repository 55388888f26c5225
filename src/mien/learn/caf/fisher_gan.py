"""The critic of Fisher GAN (Mroueh and Sercu, 2017) instead of the contrastive one (papers/001, Table 4)."""

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
    """The critic of Fisher GAN: the Fisher integral probability metric, a difference of means under a constraint.

        d_F(P, Q) = sup_f  E_P f - E_Q f   with   Omega(f) = 1/2 E_P f^2 + 1/2 E_Q f^2 = 1

    Its augmented Lagrangian (eq. 9 and Algorithm 1 there) is maximised by the critic and minimised by the multiplier L:

        E_P f - E_Q f + L (1 - Omega) - rho/2 (Omega - 1)^2          then   L <- L - rho (1 - Omega)

    so L starts at 0 and grows while f is too large. ``critic_loss`` is its negative. P, the data in that paper, is the
    strong samples here, and Q, the generated samples, is the weak ones, because the encoder moves the weak ones in
    Algorithm 1 of papers/001. The generator minimises - E_Q f, which is exactly the encoder's loss of papers/001, so it
    is unchanged.

    Minimum: - d_F at the saddle point, where Omega = 1 and L = d_F / 2. Over all f, d_F^2 is the integral of
    2 (P - Q)^2 / (P + Q), so d_F is in [0, 2].

    As in that paper, f is one number without a bound: the constraint bounds it. Within (-1, 1), Omega would never reach
    1 and the multiplier would decrease forever, so there are no options ``outputs`` and ``bound``.

    Args:
        features: length of the encoder's feature vectors.
        rho: factor of the penalty and rate of the multiplier; 1e-6 is that paper's. Note that it is slow: until the
            multiplier has caught up, f grows until Omega is far above 1.
        hidden, dropout: see :class:`mien.learn.caf.critic.Critic`.

    Raises:
        ValueError: if ``rho`` is not positive; see also :class:`mien.learn.caf.critic.Critic`.

    Example:
        >>> critic = FisherGan(512, rho=0.02)
        >>> strong, weak = critic(torch.randn(16, 512)).split((10, 6))
        >>> critic.critic_loss(strong, weak, epoch=0).backward()
    """

    multiplier: Tensor

    def __init__(
        self, features: int, *, rho: float = 1e-6, hidden: tuple[int, int] = (64, 32), dropout: float = 0.2
    ) -> None:
        super().__init__(features, outputs=1, hidden=hidden, dropout=dropout, bound="none")
        if not 0 < rho < math.inf:
            raise ValueError(f"FisherGan: rho must be above 0, not {rho}")
        self.rho = rho
        self.register_buffer("multiplier", torch.zeros(()))

    def critic_loss(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """The negative Lagrangian; updates the multiplier. See :meth:`mien.learn.caf.critic.Critic.critic_loss`."""
        slack = 1 - second_moment(strong, weak)
        gain = strong.mean() - weak.mean() + self.multiplier.clone() * slack - self.rho / 2 * slack.square()
        with torch.no_grad():
            self.multiplier -= self.rho * slack
        return -gain
