"""The networks that a recipe can name."""

from mien.learn.models.alexnet import AlexNet
from mien.learn.models.densenet import DenseNet121
from mien.learn.models.efficientnet import EfficientNetLite0
from mien.learn.models.face_behavior_net import FaceBehaviorNet
from mien.learn.models.residual_mlp import ResidualMLP
from mien.learn.models.resnet import ResNet18, ResNet50
from mien.learn.models.timm_network import TimmNetwork
from mien.learn.models.vgg import VGG16

__all__ = [
    "AlexNet",
    "DenseNet121",
    "EfficientNetLite0",
    "FaceBehaviorNet",
    "ResNet18",
    "ResNet50",
    "ResidualMLP",
    "TimmNetwork",
    "VGG16",
]
