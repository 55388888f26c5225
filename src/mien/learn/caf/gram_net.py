"""The critic of GRAM nets (Srivastava et al., 2020) instead of the contrastive one (papers/001, Table 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from mien.learn.caf.critic import Bound, Critic

Objective = Literal["squared_ratio", "released"]

BANDWIDTHS = (1.0, math.sqrt(2), 2.0, math.sqrt(8), 4.0)
"""The bandwidths of the PyTorch release for CIFAR-10; their squares are 1, 2, 4, 8 and 16."""


def kernels(x: Tensor, y: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """exp(-|x - y|^2 / (2 h^2)) for each bandwidth h: N x d and M x d to H x N x M.

    The gradient is finite where points coincide.
    """
    squares = (x[:, None] - y[None]).square().sum(2)
    return torch.stack([torch.exp(-squares / (2 * h**2)) for h in bandwidths])


def density_ratio(p: Tensor, q: Tensor, bandwidths: Sequence[float] = BANDWIDTHS, ridge: float = 1e-3) -> Tensor:
    """Estimate p / q at the samples of Q by kernel mean matching, averaged over the bandwidths: N_q, float64.

        r = N_q / N_p (K_qq + ridge I)^-1 K_qp 1

    The estimate may be negative. If all samples coincide, it is 1 / (1 + ridge / N_q).

    Args:
        p: N_p x d.
        q: N_q x d.
        bandwidths: kernel bandwidths, in the unit of the samples.
        ridge: above 0.
    """
    p, q = p.double(), q.double()  # the condition number is N_q / ridge, too large for float32
    eye = torch.eye(len(q), dtype=q.dtype, device=q.device)
    ratios: Tensor = torch.linalg.solve(kernels(q, q, bandwidths) + ridge * eye, kernels(q, p, bandwidths).mean(2))
    return len(q) * ratios.mean(0)


def squared_mmd(p: Tensor, q: Tensor, bandwidths: Sequence[float] = BANDWIDTHS) -> Tensor:
    """The squared maximum mean discrepancy for the sum of the kernels: a scalar in [0, 2 H] for H kernels.

    It includes the diagonals (the biased estimate of Gretton et al.) and is therefore 0 or more.

    Args:
        p, q, bandwidths: as in :func:`density_ratio`.
    """
    pp, pq, qq = (kernels(x, y, bandwidths).mean((1, 2)) for x, y in ((p, p), (p, q), (q, q)))
    return (pp - 2 * pq + qq).sum()


class GramNet(Critic):
    """The critic of GRAM nets (generative ratio matching): its outputs keep the density ratio of the features.

    The squared difference of the two ratios, in expectation over Q, is the Pearson divergence of the features minus
    that of the outputs. So the critic maximises

        PD(P, Q) = E_Q r^2 - 1          r = p / q in the space of the outputs, see :func:`density_ratio`

    and ``critic_loss`` is the negative. P, the data in that paper, is the strong samples here, and Q, the generated
    samples, is the weak ones. The generator minimises MMD^2 in that space, and so does the encoder here, instead of
    - E z in papers/001. The data of a generator are fixed, so the strong outputs are detached in that loss.

    Minimum: - PD of the features, which no function of them exceeds; for N(m, s^2 I) and N(m', s^2 I) the divergence is
    exp(|m - m'|^2 / s^2) - 1. Note that r is known only at samples of Q: if the groups do not overlap, r is 0, not
    large.

    Departures: its release minimises the root of MMD^2, whose gradient is infinite at 0. As in that paper, there is no
    bound by default.

    Args:
        features: length of the encoder's feature vectors.
        bandwidths: kernel bandwidths, in the unit of the outputs.
        ridge: ridge of the linear system.
        objective: ``squared_ratio``; or ``released``: E_Q (r - 1)^2 + E_Q r, whose last term is meant to keep estimates
            positive.
        outputs, hidden, dropout, bound: see :class:`mien.learn.caf.critic.Critic`.

    Raises:
        ValueError: for bandwidths or a ridge that are not positive; see also :class:`mien.learn.caf.critic.Critic`.

    Example:
        >>> critic = GramNet(512, ridge=0.3)
        >>> strong, weak = critic(torch.randn(16, 512)).split((10, 6))
        >>> critic.critic_loss(strong, weak, epoch=0).backward()
    """

    def __init__(
        self,
        features: int,
        *,
        bandwidths: tuple[float, ...] = BANDWIDTHS,
        ridge: float = 1e-3,
        objective: Objective = "squared_ratio",
        outputs: int = 16,
        hidden: tuple[int, int] = (64, 32),
        dropout: float = 0.2,
        bound: Bound = "none",
    ) -> None:
        super().__init__(features, outputs=outputs, hidden=hidden, dropout=dropout, bound=bound)
        if not bandwidths or not all(0 < value < math.inf for value in (*bandwidths, ridge)):
            raise ValueError(f"GramNet: bandwidths and ridge must be above 0, not {list(bandwidths)} and {ridge}")
        self.bandwidths, self.ridge, self.objective = tuple(bandwidths), ridge, objective

    def critic_loss(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """1 - E_Q r^2; see :meth:`mien.learn.caf.critic.Critic.critic_loss`."""
        ratio = density_ratio(strong, weak, self.bandwidths, self.ridge)
        if self.objective == "released":
            return -((ratio - 1).square().mean() + ratio.mean()).to(weak.dtype)
        return (1 - ratio.square().mean()).to(weak.dtype)

    def adversarial_loss(self, strong: Tensor, weak: Tensor) -> Tensor:
        """MMD^2 of the two groups; see :meth:`mien.learn.caf.critic.Critic.adversarial_loss`.

        Args:
            strong: N_s x outputs, N_s >= 1; they get no gradient.
            weak: N_w x outputs, N_w >= 1.
        """
        return squared_mmd(strong.detach(), weak, self.bandwidths)
