"""Losses and couplings; each returns a sum and a count, see :class:`mien.learn.losses.term.LossTerm`."""

from mien.learn.losses.affect_matching import AffectMatching
from mien.learn.losses.balanced_softmax import BalancedSoftmax
from mien.learn.losses.binary_cross_entropy import binary_cross_entropy
from mien.learn.losses.co_annotation import CoAnnotation
from mien.learn.losses.concordance import concordance
from mien.learn.losses.coupling import CouplingLoss
from mien.learn.losses.cross_entropy import cross_entropy
from mien.learn.losses.distribution_matching import DistributionMatching
from mien.learn.losses.rmse_correlation import RmseCorrelation
from mien.learn.losses.soft_co_annotation import SoftCoAnnotation
from mien.learn.losses.supervised import supervised
from mien.learn.losses.term import LossTerm

__all__ = [
    "AffectMatching",
    "BalancedSoftmax",
    "CoAnnotation",
    "CouplingLoss",
    "DistributionMatching",
    "LossTerm",
    "RmseCorrelation",
    "SoftCoAnnotation",
    "binary_cross_entropy",
    "concordance",
    "cross_entropy",
    "supervised",
]
