"""CAF's critic: a contrastive loss in the variational bound of the chi-squared divergence (papers/001)."""

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


def contrastive(squared: Tensor, same: bool, margin: Tensor | float) -> Tensor:
    """Eq. 4, f_cont = - xi max(0, xi (D^2 - alpha)), for pairs within a group (xi = 1) or across groups (xi = -1).

    As the paper says below it, the margin applies only to pairs across groups, so f_cont is - D^2 within a group and
    max(0, alpha - D^2) across groups.

    Args:
        squared: D^2 of the pairs.
        same: whether both samples are in one group.
        margin: alpha.
    """
    return -squared if same else (margin - squared).clamp(min=0)


class ContrastiveCritic(Critic):
    """The critic of papers/001 (L_c, eq. 6 and 7): strong samples close together, weak ones beyond a margin from them.

    It minimises

        E_(i,j)~P D^2  +  1/2 E_(i,j)~P+Q max(0, alpha - D^2)  +  1/4 E f_cont^2

    which is the negative of eq. 3,

        E_P f - 1/2 E_(P+Q) f - 1/4 E_((P+Q)/2) f^2

    with f = f_cont, a lower bound of 1/2 of the integral of (P - Q)^2 / (P + Q). As in eq. 7, positive pairs (both
    strong) stand for P, and negative pairs (a strong and a weak sample) for P + Q. The last term, which eq. 6 and 7
    omit "for convenience", is the second-order term of eq. 3, over positive and negative pairs equally.

    Minimum: 0, where strong samples coincide and every weak one is farther away than the margin.

    Args:
        features: length of the encoder's feature vectors.
        margin: gives alpha, which never has a gradient; None: :class:`mien.learn.caf.margin.AdaptiveMargin`.
        pairs: ``all`` or ``mirrored``, see :func:`mien.learn.caf.pairs.paired`.
        second_order: ``chi_squared`` (eq. 3); ``none``; or ``released``: L (1 - O) - rho/2 (1 - O)^2, with O half the
            sum of the means of squares, rho = 1e-6, and a multiplier L that starts at 0 and grows by rho (1 - O);
            there, the sign of the penalty is that of a maximised loss although this one is minimised, and the second
            term of the loss has the factor 1.
        outputs, hidden, dropout, bound: see :class:`mien.learn.caf.critic.Critic`.

    Example:
        >>> critic = ContrastiveCritic(512)
        >>> strong, weak = critic(torch.randn(16, 512)).split((10, 6))
        >>> critic.critic_loss(strong, weak, epoch=0).backward()
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
        second_order = (mean_or_zero(near.square()) + mean_or_zero(far.square())) / 8
        return -mean_or_zero(near) + far.mean() / 2 + (second_order if self.second_order == "chi_squared" else 0.0)

    def _released(self, near: Tensor, far: Tensor) -> Tensor:
        slack = 1 - (mean_or_zero(near.square()) + mean_or_zero(far.square())) / 2
        loss = -mean_or_zero(near) + far.mean() + self.multiplier.clone() * slack - RHO / 2 * slack**2
        with torch.no_grad():
            self.multiplier += RHO * slack
        return loss


def mean_or_zero(values: Tensor) -> Tensor:
    """The mean; an attached 0 if there are no values."""
    return values.sum() / max(len(values), 1)
