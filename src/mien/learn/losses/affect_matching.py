"""Matching of classes with valence and arousal; our own, since papers/003, section 3.1.3, leaves this coupling open."""

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
from mien.learn.losses.coupling import Outputs, Reading, divergence
from mien.learn.losses.tensor_cache import cached_tensor
from mien.learn.losses.term import LossTerm, full_precision, precise
from mien.relatedness.affect_prior import AffectPrior
from mien.relatedness.table import Relatedness
from mien.spelling import check_choices
from mien.tasks import Task

FARTHEST = 1e6
"""Valence and arousal are clipped to this magnitude, so that their squares stay finite in single precision."""


@dataclass(frozen=True)
class AffectMatching:
    """Couple classes with (valence, arousal) through a bell-shaped density f_c over the plane for each class c.

    f_c has the mean and covariance S_c of the prior and the tails of Student's t, ``f_c ~ |S_c|^(-1/2) (1 + d_c^2 /
    freedom)^(-(freedom + 2) / 2)``, with d_c the Mahalanobis distance to the mean. It approaches a Gaussian as
    ``freedom`` grows. The pull of a Gaussian grows without bound with the distance; the pull of these tails does not.

    With p the predicted class probabilities and y the predicted (valence, arousal), for every sample:

    - ``affect_matching_classes`` pulls p towards ``q(c | y) ~ prior_c f_c(y)`` (Bayes). ``kl`` is 0 exactly at p = q;
      ``soft_target`` is minimal in p at p = q; ``as_printed`` puts all of p on the class with the largest q.
    - ``affect_matching_affect`` pulls y towards the mixture that the classes imply:
      ``-log sum_c p_c f_c(y) + max_c log f_c(mean_c)``. It is never negative, and it is 0 where p is certain of the
      class with the tightest density and y is its mean. It is minimal in y where the mixture is densest: at mean_c if p
      is certain of c.

    Both are in nats. Like every matching loss, this one pulls values towards the mean of their class, and so reduces
    the differences within a class.

    Args:
        prior: ``russell_1977`` (ratings of emotion words), the path of a .json file written by
            :meth:`mien.relatedness.affect_prior.AffectPrior.to_dict`, or ``inferred``, see :meth:`with_prior`.
        reading: how the first term reads "-p log q"; see :func:`mien.learn.losses.coupling.divergence`.
        targets: ``labels``: where a sample is labelled, the label replaces the prediction on the target side;
            ``predictions``: labels are not used.
        stop_gradient: ``targets``: the first term moves only the classes, the second only valence and arousal;
            ``none``: both terms move both sides.
        freedom: degrees of freedom of the tails, above 0.
        classes: name of the task with the classes.
        affect: name of the task with valence and arousal, in this order.

    Raises:
        ValueError: for an unknown choice, a ``freedom`` that is not positive, or a prior that cannot be read.

    Example:
        >>> coupling = AffectMatching(reading="soft_target")
        >>> coupling.terms
        ('affect_matching_classes', 'affect_matching_affect')
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
            raise ValueError(f"AffectMatching: freedom must be above 0 and finite, not {self.freedom}")
        if self.prior != "inferred":
            object.__setattr__(self, "gaussians", AffectPrior.load(self.prior))

    def with_prior(self, gaussians: AffectPrior) -> AffectMatching:
        """Return this coupling with the given class densities: inferred ones, for ``prior: inferred``, or your own."""
        coupling = copy.copy(self)
        object.__setattr__(coupling, "gaussians", gaussians)
        return coupling

    def check(self, tasks: Sequence[Task]) -> None:
        """Raise ValueError unless ``tasks`` contain both tasks, with the prior's classes and with two values."""
        by_name = {task.name: task for task in tasks}
        for name in (self.classes, self.affect):
            if name not in by_name:
                raise ValueError(f"AffectMatching: no task {name} among {', '.join(by_name)}")
        if len(by_name[self.affect]) != 2:
            raise ValueError(f"AffectMatching: the task {self.affect} must have two values, valence and arousal")
        labels = by_name[self.classes].labels
        if self.gaussians is not None and self.gaussians.class_labels != labels:
            own = self.gaussians.class_labels
            raise ValueError(f"AffectMatching: the prior has the classes {own}, the task has {labels}")

    def __call__(
        self,
        outputs: Outputs,
        batch: Batch,
        relatedness: Relatedness | None = None,  # noqa: ARG002
    ) -> dict[str, LossTerm]:
        """Return both terms: sums over all N samples, labelled or not, and N.

        Raises:
            ValueError: if the prior is ``inferred`` but none was given, or if it has another number of classes.
        """
        logits, point = precise(outputs[self.classes]), precise(outputs[self.affect])
        gaussians = self._gaussians(logits.shape[1])
        log_p, target_p, target_point = logits.log_softmax(1), logits.log_softmax(1), point
        if self.stop_gradient == "targets":
            target_p, target_point = target_p.detach(), target_point.detach()
        if self.targets == "labels":
            votes = as_distribution(batch.labels[self.classes], logits.shape[1]).to(logits.dtype)
            log_votes = votes.clamp(min=torch.finfo(logits.dtype).tiny).log()
            target_p = torch.where(batch.mask[self.classes][:, None], log_votes, target_p)
            labelled = batch.mask[self.affect].all(1, keepdim=True)
            target_point = torch.where(labelled, batch.labels[self.affect].to(point.dtype), target_point)
        log_prior = cached_tensor(gaussians, "log prior", logits, lambda: np.log(gaussians.class_prior))
        log_q = (log_prior + self._log_density(gaussians, target_point)).log_softmax(1)
        class_losses = divergence(log_p, log_q.exp(), self.reading, log_q).sum(1)
        affect_losses = -(target_p + self._log_density(gaussians, point)).logsumexp(1)
        return {
            name: LossTerm(losses.sum(), losses.new_tensor(len(losses)))
            for name, losses in zip(self.terms, (class_losses, affect_losses), strict=True)
        }

    def _gaussians(self, classes: int) -> AffectPrior:
        if self.gaussians is None:
            raise ValueError("AffectMatching: the prior has not been inferred; set it with `with_prior`")
        if len(self.gaussians.class_labels) != classes:
            raise ValueError(f"AffectMatching: {classes} classes, but the prior has {len(self.gaussians.class_labels)}")
        return self.gaussians

    def _log_density(self, gaussians: AffectPrior, point: Tensor) -> Tensor:
        """N x C: log f_c(y) minus the largest value that any class reaches, so at most 0."""
        means = cached_tensor(gaussians, "means", point, lambda: gaussians.means)
        whitening = cached_tensor(gaussians, "whitening", point, lambda: _whitening(gaussians))
        peaks = cached_tensor(gaussians, "peaks", point, lambda: _peaks(gaussians))
        offset = point.clamp(-FARTHEST, FARTHEST)[:, None] - means
        with full_precision(point):
            squared_distance = torch.einsum("cij,ncj->nci", whitening, offset).square().sum(2)
        return peaks - (self.freedom + 2) / 2 * (squared_distance / self.freedom).log1p()


def _whitening(gaussians: AffectPrior) -> np.ndarray:
    """C x 2 x 2 matrices that map a difference to a vector whose length is the Mahalanobis distance."""
    return np.asarray(np.linalg.inv(np.linalg.cholesky(gaussians.covariances)))


def _peaks(gaussians: AffectPrior) -> np.ndarray:
    """C logarithms of the densities at their means, shifted so that the largest is 0."""
    peaks = -np.linalg.slogdet(gaussians.covariances)[1] / 2
    return np.asarray(peaks - peaks.max())
