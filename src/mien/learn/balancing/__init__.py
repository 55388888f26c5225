"""Balancers compute the weights of a step's terms, and nothing else; there is one ``backward()``.

Their interface is :class:`mien.learn.balancing.balancer.Balancer`.
"""

from mien.learn.balancing.fixed import FixedWeights
from mien.learn.balancing.gradnorm import GradNorm
from mien.learn.balancing.gramian import GramianWeights
from mien.learn.balancing.mgda_ub import MgdaUb
from mien.learn.balancing.uncertainty import UncertaintyWeighting

__all__ = ["FixedWeights", "GradNorm", "GramianWeights", "MgdaUb", "UncertaintyWeighting"]
