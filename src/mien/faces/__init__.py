"""Detecting, tracking and aligning faces."""

from mien.faces.align import TEMPLATE, align
from mien.faces.detect import Detector, Face, YuNet

__all__ = ["TEMPLATE", "Detector", "Face", "YuNet", "align"]
