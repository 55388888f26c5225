"""From a teacher's blendshapes and the votes to soft labels of action units, written into the manifest of both.

    python tools/weights/teach.py build/ferplus

A blendshape is a value of 0 to 1 with a scale of its own: `eyeWide` is 0.1 where `mouthSmile` is 0.8. The label is
``sigmoid(4 (score - half) / half)``: 0.5 at ``half``, 0.02 at 0. The nine halves were chosen by looking at photos of
FER2013 in the order of their scores, without any label of an action unit, since there are none for them; so a label
says which photos show *more* of a unit, and where "present" begins is a judgement. Units that the landmarker is blind
to (6, 9, 10, 14, 15, 23, 24, 26: its `cheekSquint` and `noseSneer` stay at 0, its `jawOpen` says little of AU26) have
no label here, but that parted lips are not pressed together (AU24).

The teacher misses much, lowered brows among the most (docs/results/by_eye.json). So for the units of
:data:`INFORMED` its score is one piece of evidence, and the expression that annotators saw is another. Given whether a
unit is shown, score and expression are taken to be independent; a table of relatedness says how often each expression
shows the unit; how the score is distributed with the unit and without it is found by expectation maximisation, and
Bayes' rule gives the label.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.learn.data.manifest.manifest import read_manifest
from mien.learn.data.manifest.write import rewrite
from mien.relatedness.table import DU_2014
from mien.tasks import EXPRESSION

UNITS: dict[str, tuple[tuple[str, float], ...]] = {
    "AU01": (("browInnerUp", 0.5),),
    "AU02": (("browOuterUp", 0.5),),
    "AU04": (("browDown", 0.25),),
    "AU05": (("eyeWide", 0.12),),
    "AU07": (("eyeSquint", 0.5),),
    "AU12": (("mouthSmile", 0.35),),
    "AU17": (("mouthShrugLower", 0.2),),
    "AU20": (("mouthStretch", 0.35),),
    "AU25": (("mouthLowerDown", 0.1), ("mouthUpperUp", 0.2), ("jawOpen", 0.1)),
}
"""Of each unit the blendshapes that show it and their halves; of several, the one that shows most."""

INFORMED = ("AU01", "AU02", "AU04", "AU05", "AU12")
"""Units whose labels take the expression into account. Of the others the teacher sees parted lips well (AU25), narrowed
eyes and stretched lips come with a smile too, which its scores do not tell apart (AU07, AU20), and for AU17 the
expression outvoted the score. That was seen by eye on some eighty photos of FER+; no figure of it was kept."""

TABLE = DU_2014
RARE, NEUTRAL, MOST = 0.1, 0.05, 0.9
"""Tables leave out what is rare, and are made of posed faces: no expression shows a unit less often or more often."""

BINS, PASSES, HOLD = 12, 200, 1.0
"""Bins of the score; passes; how many faces the table's rates count for, as a share of those that there are."""

PARTED = 0.9
"""A label of AU25 from which on lips are surely apart."""

WEAK = (
    "sigmoid of MediaPipe's blendshapes, those of brows, lids and smiles together with the votes for expressions "
    "(tools/weights/teach.py); no coder's"
)


def labels(blendshapes: pa.Table) -> dict[str, pa.Array]:
    """Of each unit a probability a row; null where the landmarker found no face."""
    found = ~np.isnan(np.array(blendshapes.column(0).to_numpy(zero_copy_only=False), np.float64))

    def score(prefix: str) -> np.ndarray:
        sides = [name for name in blendshapes.column_names if name.removesuffix("Left").removesuffix("Right") == prefix]
        return np.mean([blendshapes[name].to_numpy(zero_copy_only=False) for name in sides], 0)

    shown = {unit: np.max([score(name) / half for name, half in parts], 0) for unit, parts in UNITS.items()}
    return {
        unit: pa.array(1 / (1 + np.exp(-4 * (ratio - 1))), pa.float32(), mask=~found) for unit, ratio in shown.items()
    }


def expected(unit: str) -> np.ndarray:
    """How often each expression shows a unit, by the table."""
    classes = [TABLE.class_labels.index(label) for label in EXPRESSION.labels]
    rates = np.clip(TABLE.weights[classes, TABLE.attribute_labels.index(unit)], RARE, MOST)
    rates[EXPRESSION.labels.index("neutral")] = NEUTRAL
    return rates


def informed(score: np.ndarray, votes: np.ndarray, rates: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """The probability of a unit, given a score and the expressions that annotators saw.

    Args:
        score: N values; only their order counts.
        votes: N x C shares of the expressions.
        rates: C, how often each expression is expected to show the unit; the first stays so, others move with the data.
        fitted: N, the rows that distributions and rates are found by.
    """
    place = np.digitize(score, np.quantile(score[fitted], np.arange(1, BINS) / BINS))
    told, count, rate = score, votes[fitted].sum(0), rates

    def likelihood(weight: np.ndarray) -> np.ndarray:
        found = np.bincount(place[fitted], weight[fitted], BINS) + 1
        return (found / found.sum())[place, None]

    for _ in range(PASSES):
        shown, hidden = votes * rate * likelihood(told), votes * (1 - rate) * likelihood(1 - told)
        total = (shown + hidden).sum(1, keepdims=True)
        shown, hidden = shown / total, hidden / total
        told = shown.sum(1)
        rate = (shown[fitted].sum(0) + HOLD * count * rates) / ((shown + hidden)[fitted].sum(0) + HOLD * count)
        rate[0] = rates[0]
    return told


def with_expressions(alone: dict[str, pa.Array], votes: np.ndarray, fitted: np.ndarray) -> dict[str, pa.Array]:
    """The labels, those of INFORMED in the light of the votes (N x C, NaN where there are none)."""
    votes = np.where(np.isnan(votes), np.nanmean(votes[fitted], 0), votes)
    result = dict(alone)
    for unit in INFORMED:
        score = alone[unit].to_numpy(zero_copy_only=False)
        known = ~np.isnan(score)
        told = np.full(len(score), np.nan)
        told[known] = informed(score[known], votes[known], expected(unit), fitted[known])
        result[unit] = pa.array(told, pa.float32(), mask=~known)
    parted = alone["AU25"].to_numpy(zero_copy_only=False) >= PARTED
    return {**result, "AU24": pa.array(np.zeros(len(parted)), pa.float32(), mask=~parted)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a manifest with blendshapes.parquet beside it")
    folder = parser.parse_args().folder
    manifest = read_manifest(folder)
    blendshapes = pq.read_table(folder / "blendshapes.parquet")
    teacher = json.loads(blendshapes.schema.metadata[b"mien"])
    metadata = json.loads(pq.read_schema(folder / "manifest.parquet").metadata[b"mien"])
    metadata |= {"weak": {**metadata.get("weak", {}), "action_units": WEAK}, "teacher": teacher}
    fitted = np.array(manifest.table["split"].to_pylist()) == "train"
    taught = with_expressions(labels(blendshapes), manifest.column(EXPRESSION), fitted)
    rewrite(folder / "manifest.parquet", taught, metadata, manifest.tasks)
    found = blendshapes.num_rows - blendshapes.column(0).null_count
    print(f"{found} of {blendshapes.num_rows} crops have labels of {', '.join(UNITS)}")


if __name__ == "__main__":
    main()
