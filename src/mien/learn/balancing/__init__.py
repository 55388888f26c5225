"""Balancers: from the terms of a step to their weights, and nothing else; there is one ``backward()``."""

from mien.learn.balancing.fixed import FixedWeights

__all__ = ["FixedWeights"]
