"""The contrastive adversarial framework (papers/001): the encoder learns against a critic of emotional intensity."""

from mien.learn.caf.contrastive_critic import ContrastiveCritic
from mien.learn.caf.critic import Critic
from mien.learn.caf.fisher_gan import FisherGan
from mien.learn.caf.gram_net import GramNet
from mien.learn.caf.grouping import FixedRadius, Grouping, KMeans, Otsu, ReleasedGrouping
from mien.learn.caf.margin import (
    AdaptiveMargin,
    ConfidenceMargin,
    ConstantMargin,
    InformationMargin,
    LinearMargin,
    ReleasedMargin,
)
from mien.learn.caf.sphere_gan import SphereGan

__all__ = [
    "AdaptiveMargin",
    "ConfidenceMargin",
    "ConstantMargin",
    "ContrastiveCritic",
    "Critic",
    "FisherGan",
    "FixedRadius",
    "GramNet",
    "Grouping",
    "InformationMargin",
    "KMeans",
    "LinearMargin",
    "Otsu",
    "ReleasedGrouping",
    "ReleasedMargin",
    "SphereGan",
]
