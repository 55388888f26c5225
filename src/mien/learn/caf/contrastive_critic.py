"""The critic of CAF: a contrastive loss inside the variational bound of the chi-squared divergence (papers/001)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from mien.learn.caf.critic import Bound, Critic
from mien.learn.caf.margin import AdaptiveMargin, Margin
from mien.learn.caf.pairs import Pairs, paired, squared_distance

SecondOrder = Literal["chi_squared", "released", "none"]

RHO = 1e-6
"""The release's factor of its penalty, and the rate of its multiplier."""


def chi_squared_bound(p: Tensor, q: Tensor) -> Tensor:
    """Eq. 3: E_P f - 1/2 E_(P+Q) f - 1/4 E_((P+Q)/2) f^2, a lower bound of a chi-squared divergence.

    Over all f its largest value is 1/2 of the integral of (P - Q)^2 / (P + Q), at f = 2 (P - Q) / (P + Q).

    Args:
        p: f at samples of P, one axis.
        q: f at samples of Q.
    """
    return p.mean() - (p.mean() + q.mean()) / 2 - (p.square().mean() + q.square().mean()) / 8


def contrastive(squared: Tensor, same: bool, margin: Tensor | float) -> Tensor:
    """Eq. 4, f_cont = - xi max(0, xi (D^2 - alpha)), for pairs of one group (xi = 1) or of two (xi = -1).

    As the paper says under it, the margin belongs to pairs of two groups alone, so that f_cont is - D^2 for pairs of
    one and max(0, alpha - D^2) for pairs of two.

    Args:
        squared: D^2 of the pairs.
        same: whether both are of one group.
        margin: alpha.
    """
    return -squared if same else (margin - squared).clamp(min=0)


class ContrastiveCritic(Critic):
    """L_c (eq. 6 and 7): strong samples close to each other, weak ones farther away from them than a margin.

        E_(i,j)~P D^2  +  1/2 E_(i,j)~P+Q max(0, alpha - D^2)  +  1/4 E f_cont^2

    to be minimised, the negative of eq. 3 with f = f_cont. As in eq. 7, positive pairs (both strong) stand for P, and
    negative ones (a strong and a weak sample) for P + Q. The last term, which eq. 6 and 7 leave out "for convenience",
    is the second-order one of eq. 3, over positive and negative pairs alike.

    Minimum: 0, where strong samples coincide and every weak one is farther away than the margin.

    Args:
        features: length of the encoder's feature vectors.
        margin: gives alpha; it is never a part of the gradient.
        pairs: ``all`` or ``mirrored``, see :func:`mien.learn.caf.pairs.paired`.
        second_order: ``chi_squared`` (eq. 3); ``none``; or ``released``: L (1 - O) - rho/2 (1 - O)^2 with O half the
            sum of the means of squares, rho = 1e-6, and a multiplier L that begins at 0 and grows by rho (1 - O);
            there the sign of the penalty is that of a maximised loss although this one is minimised, and the second
            term of the loss has the factor 1.
        outputs, hidden, dropout, bound: see :class:`mien.learn.caf.critic.Critic`.
    """

    multiplier: Tensor

    def __init__(
        self,
        features: int,
        *,
        margin: Margin | None = None,
        pairs: Pairs = "all",
        second_order: SecondOrder = "chi_squared",
        outputs: int = 16,
        hidden: tuple[int, int] = (64, 32),
        dropout: float = 0.2,
        bound: Bound = "tanh",
    ) -> None:
        super().__init__(features, outputs=outputs, hidden=hidden, dropout=dropout, bound=bound)
        self.margin, self.pairs, self.second_order = margin or AdaptiveMargin(), pairs, second_order
        self.register_buffer("multiplier", torch.zeros(()))

    def critic_loss(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """L_c of the batch; see :meth:`mien.learn.caf.critic.Critic.critic_loss`."""
        i, j, s, w = paired(strong, weak, self.pairs)
        margin = self.margin.between(strong.detach(), weak.detach(), epoch)
        near = contrastive(squared_distance(strong[i], strong[j]), True, 0.0)
        alpha = margin if margin.ndim == 0 else margin[s]
        far = contrastive(squared_distance(strong[s], weak[w]), False, alpha)
        if self.second_order == "released":
            return self._released(near, far)
        squares = (mean(near.square()) + mean(far.square())) / 8 if self.second_order == "chi_squared" else 0.0
        return -mean(near) + far.mean() / 2 + squares

    def _released(self, near: Tensor, far: Tensor) -> Tensor:
        slack = 1 - (mean(near.square()) + mean(far.square())) / 2
        loss = -mean(near) + far.mean() + self.multiplier.clone() * slack - RHO / 2 * slack**2
        with torch.no_grad():
            self.multiplier += RHO * slack
        return loss


def mean(values: Tensor) -> Tensor:
    """The mean; an attached 0 of nothing."""
    return values.sum() / max(len(values), 1)
