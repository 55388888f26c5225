"""The contrastive adversarial framework (papers/001): a critic of intensity that the encoder learns against."""

from mien.learn.caf.contrastive_critic import ContrastiveCritic
from mien.learn.caf.critic import Critic
from mien.learn.caf.grouping import FixedRadius, Grouping, KMeans, Otsu, ReleasedGrouping
from mien.learn.caf.margin import (
    AdaptiveMargin,
    ConfidenceMargin,
    ConstantMargin,
    InformationMargin,
    LinearMargin,
    ReleasedMargin,
)

__all__ = [
    "AdaptiveMargin",
    "ConfidenceMargin",
    "ConstantMargin",
    "ContrastiveCritic",
    "Critic",
    "FixedRadius",
    "Grouping",
    "InformationMargin",
    "KMeans",
    "LinearMargin",
    "Otsu",
    "ReleasedGrouping",
    "ReleasedMargin",
]
