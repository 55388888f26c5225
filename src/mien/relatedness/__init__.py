"""Relatedness: p(attribute | class), as named tables, from files, or counted in labels.

Example:
    >>> from mien.relatedness import DU_2014
    >>> DU_2014.weights[DU_2014.class_labels.index("happiness"), DU_2014.attribute_labels.index("AU06")].item()
    0.51
"""

from mien.relatedness.affect_prior import AffectPrior, infer_affect_prior
from mien.relatedness.consistency import measure_consistency
from mien.relatedness.difference import diff
from mien.relatedness.inference import distinctiveness, infer, informativeness
from mien.relatedness.table import AFF_WILD2, AFF_WILD2_002, DU_2014, NAMED, Relatedness

__all__ = [
    "AFF_WILD2",
    "AFF_WILD2_002",
    "DU_2014",
    "NAMED",
    "AffectPrior",
    "Relatedness",
    "measure_consistency",
    "diff",
    "distinctiveness",
    "infer",
    "infer_affect_prior",
    "informativeness",
]
