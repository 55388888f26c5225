"""Clean a manifest by named rules (papers/003, section 4.3): choose the rows to exclude, and give the reasons.

A rule is ``rule(table, kept)``, where ``kept`` marks the rows that no earlier step excluded; it returns the rows to
exclude for each reason. Rows without the labels that a rule needs are kept.
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
"""Radius in the plane of valence and arousal; neutral faces are closer to the middle."""

NEGATIVE = ("sadness", "disgust", "fear")


def affect_consistency(table: pa.Table, kept: Rows) -> Mapping[str, Rows]:
    """Rows whose valence or arousal contradicts their expression, as occurs in AffectNet.

    Neutral has a radius below 0.15; sadness, disgust and fear have negative valence; anger has negative valence and
    positive arousal; happiness has positive valence. There is no rule for surprise. If only one of the two values is
    known, that one decides.

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
    """The four frames after each kept frame, in each video (see :func:`every`)."""
    return every(table, kept, frames=5)


def _values(table: pa.Table, name: str) -> NDArray[np.float64]:
    """The values of a column; NaN where missing."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.asarray(table[name].cast(REAL).to_numpy(), np.float64)


def _is(table: pa.Table, name: str) -> Rows:
    return np.asarray(pc.fill_null(pc.equal(table[EXPRESSION.name].cast(pa.string()), name), False))
