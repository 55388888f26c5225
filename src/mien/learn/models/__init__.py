"""Networks that a recipe can name."""

from mien.learn.models.face_behavior_net import FaceBehaviorNet

__all__ = ["FaceBehaviorNet"]
