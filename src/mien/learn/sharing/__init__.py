"""Schemes by which tasks share a network, other than sharing everything but the heads."""

from mien.learn.sharing.adashare import AdaShare
from mien.learn.sharing.task_routing import TaskRouting

__all__ = ["AdaShare", "TaskRouting"]
