"""Finding faces in a picture and bringing each to the crop that the network expects."""

from mien.faces.align import TEMPLATE, align
from mien.faces.detect import Detector, Face, YuNet

__all__ = ["TEMPLATE", "Detector", "Face", "YuNet", "align"]
