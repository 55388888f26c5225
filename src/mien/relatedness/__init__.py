"""Relatedness: p(attribute | class), named tables, tables counted in labels, and what follows from them."""

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
