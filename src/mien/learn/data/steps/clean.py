"""Cleaning by named rules (papers/003, section 4.3): which rows to leave out, and why.

A rule is ``rule(table, kept)``, where ``kept`` says which rows no step before left out; for each reason it gives the
rows that it leaves out. Rows without the labels that a rule needs are kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import REAL, ManifestError
from mien.learn.data.steps.sample import every
from mien.tasks import AFFECT, EXPRESSION

Rows = NDArray[np.bool_]

RADIUS = 0.15
"""Of the vector of valence and arousal: a neutral face is nearer to the middle."""

NEGATIVE = ("sadness", "disgust", "fear")


def affect_consistency(table: pa.Table, kept: Rows) -> Mapping[str, Rows]:
    """Rows whose valence and arousal contradict their expression, as AffectNet has them.

    Neutral has a radius below 0.15; sadness, disgust and fear have negative valence; anger has negative valence and
    positive arousal; happiness has positive valence. For surprise there is no rule. Of two values one that is known and
    contradicts is enough.

    Raises:
        ManifestError: if there is no expression, or neither valence nor arousal.
    """
    if EXPRESSION.name not in table.column_names or not set(AFFECT.labels) & set(table.column_names):
        raise ManifestError(f"affect_consistency needs the columns {EXPRESSION.name}, {' and '.join(AFFECT.labels)}")
    valence, arousal = (_values(table, name) for name in AFFECT.labels)
    shown = {name: kept & _is(table, name) for name in EXPRESSION.labels}
    negative = np.logical_or.reduce([shown[name] for name in NEGATIVE])
    return {
        f"neutral with a radius of {RADIUS:g} or more": shown["neutral"] & (np.hypot(valence, arousal) >= RADIUS),
        "sadness, disgust or fear without negative valence": negative & (valence >= 0),
        "anger without negative valence and positive arousal": shown["anger"] & ((valence >= 0) | (arousal <= 0)),
        "happiness without positive valence": shown["happiness"] & (valence <= 0),
    }


def every_fifth_frame(table: pa.Table, kept: Rows) -> Mapping[str, Rows]:
    """Of each video one frame in five is kept and the following four are skipped (see :func:`every`)."""
    return every(table, kept, frames=5)


def _values(table: pa.Table, name: str) -> NDArray[np.float64]:
    """NaN where there is none."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.asarray(table[name].cast(REAL).to_numpy(), np.float64)


def _is(table: pa.Table, name: str) -> Rows:
    return np.asarray(pc.fill_null(pc.equal(table[EXPRESSION.name].cast(pa.string()), name), False))
