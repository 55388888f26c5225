"""Matching of classes with valence and arousal. Ours: papers/003, section 3.1.3, leaves it open."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from mien.learn.batch import Batch, as_distribution
from mien.learn.losses.coupling import Outputs, Reading, check_choices, divergence
from mien.learn.losses.tables import cached
from mien.learn.losses.term import LossTerm, full_precision, precise
from mien.relatedness.affect_prior import AffectPrior
from mien.relatedness.table import Relatedness
from mien.tasks import Task

FAR = 1e6
"""Valence and arousal beyond count as this far out: their square stays finite in single precision."""


@dataclass(frozen=True)
class AffectMatching:
    """Couple classes with (valence, arousal) through a bell-shaped density f_c over the plane for each class.

    f_c has the mean and the covariance that the prior gives for class c, and the tails of Student's t: a Gaussian as
    ``freedom`` grows, ``f_c ~ |S_c|^(-1/2) (1 + d_c^2 / freedom)^(-(freedom + 2) / 2)`` with d_c the Mahalanobis
    distance. A Gaussian's pull grows with the distance without end; that of these tails does not.

    For every sample, with p the classes and y the (valence, arousal) that the network predicts:

    - ``affect_matching_classes``: p towards ``q(c | y) ~ prior_c f_c(y)`` (Bayes). ``kl`` is 0 exactly at p = q;
      ``soft_target`` is smallest in p at p = q; ``as_printed`` puts all of p on the class with the largest q.
    - ``affect_matching_affect``: y towards the mixture that the classes imply:
      ``-log sum_c p_c f_c(y) + max_c log f_c(mean_c)``. It is never negative, and 0 where p is certain of the class
      with the tightest density and y is its mean. In y it is smallest where the mixture is densest: at mean_c if p is
      certain of c.

    Both are in nats. Mind: like every matching it pulls values to the mean of their class, and so costs the differences
    within a class.

    Args:
        prior: ``russell_1977`` (ratings of emotion words), the path of a .json file as
            :meth:`mien.relatedness.affect_prior.AffectPrior.to_dict` makes it, or ``inferred``: see :meth:`with_prior`.
        reading: of the first term; see :func:`mien.learn.losses.coupling.divergence`.
        targets: ``labels``: a sample's label takes the place of the prediction on the side that is the target, where
            there is one; ``predictions``: labels play no part.
        stop_gradient: ``targets``: the first term moves the classes alone, the second valence and arousal alone;
            ``none``: both terms move both sides.
        freedom: degrees of freedom of the tails; positive.
        classes: name of the task of the classes.
        affect: name of the task of valence and arousal, in this order.

    Raises:
        ValueError: for a value that is none of those named, or a prior that cannot be read.
    """

    prior: str = "russell_1977"
    reading: Reading = "kl"
    targets: Literal["labels", "predictions"] = "labels"
    stop_gradient: Literal["targets", "none"] = "targets"
    freedom: float = 10.0
    classes: str = "expression"
    affect: str = "affect"
    gaussians: AffectPrior | None = field(default=None, init=False, repr=False, compare=False)

    terms: ClassVar[tuple[str, ...]] = ("affect_matching_classes", "affect_matching_affect")
    needs_relatedness: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_choices(self)
        if not 0 < self.freedom < math.inf:
            raise ValueError(f"AffectMatching: freedom is positive, not {self.freedom}")
        if self.prior != "inferred":
            object.__setattr__(self, "gaussians", AffectPrior.load(self.prior))

    def with_prior(self, gaussians: AffectPrior) -> AffectMatching:
        """The same coupling with these Gaussians: what ``prior: inferred`` waits for, and for priors of one's own."""
        other = copy.copy(self)
        object.__setattr__(other, "gaussians", gaussians)
        return other

    def check(self, tasks: Sequence[Task]) -> None:
        """Raise ValueError unless ``tasks`` hold both tasks, with the classes and two values that the prior is over."""
        found = {task.name: task for task in tasks}
        for name in (self.classes, self.affect):
            if name not in found:
                raise ValueError(f"AffectMatching needs the task {name}, which is not among {', '.join(found)}")
        if len(found[self.affect]) != 2:
            raise ValueError(f"AffectMatching: the task {self.affect} has not two values, valence and arousal")
        labels = found[self.classes].labels
        if self.gaussians is not None and self.gaussians.class_labels != labels:
            raise ValueError(f"AffectMatching: the prior is over {self.gaussians.class_labels}, the task over {labels}")

    def __call__(
        self,
        outputs: Outputs,
        batch: Batch,
        relatedness: Relatedness | None = None,  # noqa: ARG002
    ) -> dict[str, LossTerm]:
        """Both terms: sums over all N samples, labelled or not, and N.

        Raises:
            ValueError: if the prior is ``inferred`` and none was given, or is over another number of classes.
        """
        logits, point = precise(outputs[self.classes]), precise(outputs[self.affect])
        gaussians = self._gaussians(logits.shape[1])
        log_p, target_p, target_point = logits.log_softmax(1), logits.log_softmax(1), point
        if self.stop_gradient == "targets":
            target_p, target_point = target_p.detach(), target_point.detach()
        if self.targets == "labels":
            votes = as_distribution(batch.labels[self.classes], logits.shape[1]).to(logits.dtype)
            certain = votes.clamp(min=torch.finfo(logits.dtype).tiny).log()
            target_p = torch.where(batch.mask[self.classes][:, None], certain, target_p)
            both = batch.mask[self.affect].all(1, keepdim=True)
            target_point = torch.where(both, batch.labels[self.affect].to(point.dtype), target_point)
        shares = cached(gaussians, "log shares", logits, lambda: np.log(gaussians.class_prior))
        log_q = (shares + self._log_density(gaussians, target_point)).log_softmax(1)
        towards_classes = divergence(log_p, log_q.exp(), self.reading, log_q).sum(1)
        towards_affect = -(target_p + self._log_density(gaussians, point)).logsumexp(1)
        return {
            name: LossTerm(losses.sum(), losses.new_tensor(len(losses)))
            for name, losses in zip(self.terms, (towards_classes, towards_affect), strict=True)
        }

    def _gaussians(self, classes: int) -> AffectPrior:
        if self.gaussians is None:
            raise ValueError("AffectMatching: the prior is to be inferred; give it by `with_prior`")
        if len(self.gaussians.class_labels) != classes:
            raise ValueError(f"AffectMatching: {classes} classes, but the prior has {len(self.gaussians.class_labels)}")
        return self.gaussians

    def _log_density(self, gaussians: AffectPrior, point: Tensor) -> Tensor:
        """N x C: log f_c(y) less the largest value that any class reaches, so never above 0."""
        means = cached(gaussians, "means", point, lambda: gaussians.means)
        whitening = cached(gaussians, "whitening", point, lambda: _whitening(gaussians))
        peaks = cached(gaussians, "peaks", point, lambda: _peaks(gaussians))
        apart = point.clamp(-FAR, FAR)[:, None] - means
        with full_precision(point):
            distance = torch.einsum("cij,ncj->nci", whitening, apart).square().sum(2)
        return peaks - (self.freedom + 2) / 2 * (distance / self.freedom).log1p()


def _whitening(gaussians: AffectPrior) -> np.ndarray:
    """C x 2 x 2 matrices that make a difference a vector whose length is the Mahalanobis distance."""
    return np.asarray(np.linalg.inv(np.linalg.cholesky(gaussians.covariances)))


def _peaks(gaussians: AffectPrior) -> np.ndarray:
    """C logarithms of the densities at their means; the largest is 0."""
    peaks = -np.linalg.slogdet(gaussians.covariances)[1] / 2
    return np.asarray(peaks - peaks.max())
