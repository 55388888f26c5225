"""Combine a teacher's blendshapes with the votes into soft labels of action units, and write them into the manifest.

A blendshape is a value from 0 to 1 on its own scale: `eyeWide` is 0.1 where `mouthSmile` is 0.8. The label is
``sigmoid(4 (score - half) / half)``: 0.5 at ``half``, 0.02 at 0. The nine halves were chosen by eye on photos of
FER2013 sorted by score, without any label of an action unit, because FER2013 has none. So a label says which photos
show *more* of a unit; where "present" starts is a judgement. Units that the landmarker cannot detect (6, 9, 10, 14, 15,
23, 24, 26: its `cheekSquint` and `noseSneer` stay at 0, its `jawOpen` says little about AU26) get no label, except that
parted lips are not pressed together (AU24).

The teacher misses a lot, lowered brows most of all (docs/results/by_eye.json). So for the units of :data:`INFORMED` its
score is one piece of evidence, and the expression that annotators saw is another. Given whether a unit is shown, score
and expression are assumed to be independent; a relatedness table gives how often each expression shows the unit;
expectation maximisation estimates how the score is distributed with and without the unit; and Bayes' rule gives the
label.

    python tools/weights/teach.py build/ferplus
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.learn.data.manifest import read_manifest
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
"""The blendshapes that show each unit, with their halves; of several, the strongest relative to its half counts."""

INFORMED = ("AU01", "AU02", "AU04", "AU05", "AU12")
"""Units whose labels use the expression. Of the others, the teacher detects parted lips well (AU25); narrowed eyes and
stretched lips also come with smiles, which its scores cannot separate (AU07, AU20); and for AU17 the expression
outweighed the score. This was judged by eye on about eighty photos of FER+ and not recorded."""

TABLE = DU_2014
RARE, NEUTRAL, MOST = 0.1, 0.05, 0.9
"""Limits of how often an expression shows a unit (NEUTRAL is the rate of neutral faces), because the tables omit rare
units and come from posed faces."""

BINS, PASSES, HOLD = 12, 200, 1.0
"""Bins of the score; passes; and the weight of the table's rates, as a share of the number of faces."""

PARTED = 0.9
"""The label of AU25 from which the lips are surely apart."""

WEAK = (
    "sigmoid of MediaPipe's blendshapes, for brows, lids and smiles combined with the votes for expressions "
    "(tools/weights/teach.py); not by a FACS coder"
)


def labels(blendshapes: pa.Table) -> dict[str, pa.Array]:
    """One probability per row for each unit; null where the landmarker found no face."""
    found = ~np.isnan(np.array(blendshapes.column(0).to_numpy(zero_copy_only=False), np.float64))

    def score(prefix: str) -> np.ndarray:
        sides = [name for name in blendshapes.column_names if name.removesuffix("Left").removesuffix("Right") == prefix]
        return np.mean([blendshapes[name].to_numpy(zero_copy_only=False) for name in sides], 0)

    shown = {unit: np.max([score(name) / half for name, half in parts], 0) for unit, parts in UNITS.items()}
    return {
        unit: pa.array(1 / (1 + np.exp(-4 * (ratio - 1))), pa.float32(), mask=~found) for unit, ratio in shown.items()
    }


def expected(unit: str) -> np.ndarray:
    """How often each expression shows a unit, according to the table."""
    classes = [TABLE.class_labels.index(label) for label in EXPRESSION.labels]
    rates = np.clip(TABLE.weights[classes, TABLE.attribute_labels.index(unit)], RARE, MOST)
    rates[EXPRESSION.labels.index("neutral")] = NEUTRAL
    return rates


def informed(score: np.ndarray, votes: np.ndarray, rates: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """The probability of a unit, given a score and the expressions that annotators saw.

    Args:
        score: N values, of which only the order matters.
        votes: N x C, shares of the expressions.
        rates: C, how often each expression is expected to show the unit; the first is fixed, the others are updated.
        fitted: N, True for the rows that distributions and rates are fitted to.
    """
    place = np.digitize(score, np.quantile(score[fitted], np.arange(1, BINS) / BINS))
    label, count, rate = score, votes[fitted].sum(0), rates

    def likelihood(weight: np.ndarray) -> np.ndarray:
        found = np.bincount(place[fitted], weight[fitted], BINS) + 1
        return (found / found.sum())[place, None]

    for _ in range(PASSES):
        shown, hidden = votes * rate * likelihood(label), votes * (1 - rate) * likelihood(1 - label)
        total = (shown + hidden).sum(1, keepdims=True)
        shown, hidden = shown / total, hidden / total
        label = shown.sum(1)
        rate = (shown[fitted].sum(0) + HOLD * count * rates) / ((shown + hidden)[fitted].sum(0) + HOLD * count)
        rate[0] = rates[0]
    return label


def with_expressions(alone: dict[str, pa.Array], votes: np.ndarray, fitted: np.ndarray) -> dict[str, pa.Array]:
    """The labels, with those of INFORMED updated by the votes (N x C, NaN where there are none)."""
    votes = np.where(np.isnan(votes), np.nanmean(votes[fitted], 0), votes)
    result = dict(alone)
    for unit in INFORMED:
        score = alone[unit].to_numpy(zero_copy_only=False)
        known = ~np.isnan(score)
        label = np.full(len(score), np.nan)
        label[known] = informed(score[known], votes[known], expected(unit), fitted[known])
        result[unit] = pa.array(label, pa.float32(), mask=~known)
    parted = alone["AU25"].to_numpy(zero_copy_only=False) >= PARTED
    return {**result, "AU24": pa.array(np.zeros(len(parted)), pa.float32(), mask=~parted)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of a manifest with blendshapes.parquet next to it")
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
