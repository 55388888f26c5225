"""The critic of Sphere GAN (Park and Kwon, 2019 and 2020) instead of the contrastive one (papers/001, Table 4)."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.learn.caf.critic import Bound, Critic


def geodesic(z: Tensor) -> Tensor:
    """Geodesic distance from the north pole of the unit sphere to the projection of z: N x d to N, in (0, pi].

    The inverse stereographic projection of z is (2 z, |z|^2 - 1) / (|z|^2 + 1) in d + 1 dimensions and the north pole
    is (0, 1), so the cosine of the angle between them is (|z|^2 - 1) / (|z|^2 + 1), and the tangent of half of it 1 /
    |z|. z = 0 is the south pole, at pi; infinity is the north pole.

    Departure: the angle is 2 atan2(1, |z|), not the arc cosine, whose gradient is infinite at both poles. At z = 0,
    where it has a cusp, the gradient is 0.

    Args:
        z: outputs of the critic, unbounded.
    """
    norm = torch.linalg.vector_norm(z, dim=1)
    return 2 * torch.atan2(torch.ones_like(norm), norm)


def moments(distances: Tensor, highest: int) -> Tensor:
    """The sum over r = 1 to ``highest`` of E d^r: N to a scalar."""
    powers = torch.arange(1, highest + 1, device=distances.device)
    return (distances[:, None] ** powers).mean(0).sum()


class SphereGan(Critic):
    """The critic of Sphere GAN: mean powers of the distances to the north pole of a hypersphere.

        max_f  sum_r  E_P d(f)^r - E_Q d(f)^r          r = 1 to R

    with d as in :func:`geodesic`. ``critic_loss`` is the negative. P, the data in that paper, is the strong samples
    here, and Q, the generated samples, is the weak ones: the critic moves strong ones away from the north pole and weak
    ones towards it. The generator minimises - sum_r E_Q d^r, and so does the encoder here, instead of - E z in
    papers/001: it moves weak samples away from the pole, to where the strong ones are.

    Minimum: over all f, - TV(P, Q) (pi + ... + pi^R), with TV half the integral of |P - Q|: samples are at the south
    pole where strong ones are more frequent, and at the north pole elsewhere.

    Departure: atan2 instead of acos, see :func:`geodesic`. There is no bound by default, because distances on a sphere
    are bounded, which is why the paper uses one. With ``bound: tanh`` every point has a gradient, and is farther than
    2 atan(1 / sqrt(d)) from the north pole.

    Args:
        features: length of the encoder's feature vectors.
        moments: R; 3 is that paper's choice, 1 its release's.
        outputs: d; the sphere has d + 1 dimensions.
        hidden, dropout, bound: see :class:`mien.learn.caf.critic.Critic`.

    Raises:
        ValueError: if R is below 1; see also :class:`mien.learn.caf.critic.Critic`.

    Example:
        >>> critic = SphereGan(512)
        >>> strong, weak = critic(torch.randn(16, 512)).split((10, 6))
        >>> critic.critic_loss(strong, weak, epoch=0).backward()
    """

    def __init__(
        self,
        features: int,
        *,
        moments: int = 3,
        outputs: int = 16,
        hidden: tuple[int, int] = (64, 32),
        dropout: float = 0.2,
        bound: Bound = "none",
    ) -> None:
        super().__init__(features, outputs=outputs, hidden=hidden, dropout=dropout, bound=bound)
        if moments < 1:
            raise ValueError(f"SphereGan: moments must be 1 or more, not {moments}")
        self.moments = moments

    def critic_loss(self, strong: Tensor, weak: Tensor, epoch: int) -> Tensor:
        """sum_r E_Q d^r - E_P d^r; see :meth:`mien.learn.caf.critic.Critic.critic_loss`."""
        return moments(geodesic(weak), self.moments) - moments(geodesic(strong), self.moments)

    def adversarial_loss(self, strong: Tensor, weak: Tensor) -> Tensor:
        """- sum_r E_Q d^r; see :meth:`mien.learn.caf.critic.Critic.adversarial_loss`."""
        return -moments(geodesic(weak), self.moments)
