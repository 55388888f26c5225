"""How well equation 8 of papers/003 tells compounds, where they are exact and where people voted.

Renders: faces with the prototypical action units of both basic classes of a compound (docs/renders.md), made by

    mien data render ICT_FACEKIT RENDERS --count 368 --kind compound=11 --kind expression=6 --seed 7

First with perfect inputs: the exact action units; half of the probability for each of both expressions (all of it for a
basic one); a valence with the sign of the mean of both words. Then with the exact action units and what the bundled
network says of the rest, and with the bundled network alone. FER+: photos of the test split, on which two of the six
emotions have 0.3 or more of the votes each, both more than neutral: the votes say the compound. Photos on which one has
0.8 or more are basic. A prediction is right if its class mixes the same expressions, so that appalled is right where
angrily disgusted is; the ambiguity is not the score's.

    mien data import ferplus FERPLUS PHOTOS
    python benchmarks/compound_zero_shot.py RENDERS PHOTOS

Writes docs/results/compounds.json.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.annotate.model import Model
from mien.compound import WEIGHTINGS, Compounds
from mien.compound_sets import EMOTIONET, RAF_DB
from mien.learn.data.manifest.manifest import Manifest, read_manifest
from mien.relatedness.affect_prior import CIRCUMPLEX
from mien.tasks import ACTION_UNITS, EXPRESSION

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "compounds.json"
STRONG, ALONE = 0.3, 0.8
TERMS = {"I": (1, 0, 0), "F": (0, 1, 0), "I + F": (1, 1, 0), "I + F + D": (1, 1, 1)}

Outputs = dict[str, NDArray[Any]]
Truth = list[frozenset[str]]
"""The expressions that each face mixes."""


def told(model: Model, manifest: Manifest, rows: NDArray[Any]) -> Outputs:
    """What the network says of these rows of a manifest."""
    crops = np.stack([np.asarray(manifest.crops[at]) for at in manifest.table["crop"].to_numpy()[rows]])
    return dict(model(np.repeat(crops, 3, 3) if crops.shape[3] == 1 else crops))


def rendered(manifest: Manifest) -> tuple[Truth, NDArray[Any]]:
    """What each render mixes, and its exact action units."""
    mixtures = {each.label: frozenset(each.expressions) for each in RAF_DB.classes}
    pairs = zip(*(manifest.table[name].to_pylist() for name in ("compound", "expression")), strict=True)
    truth = [mixtures[compound] if compound else frozenset({expression}) for compound, expression in pairs]
    return truth, np.nan_to_num(manifest.column(ACTION_UNITS))


def perfect(truth: Truth, units: NDArray[Any]) -> Outputs:
    """The outputs of a network that never errs."""
    shares = np.array([[(label in mixed) / len(mixed) for label in EXPRESSION.labels] for mixed in truth])
    valence = [np.mean([CIRCUMPLEX[label][0] for label in mixed]) for mixed in truth]
    return {"expression": shares, "action_units": units, "affect": np.stack([valence, np.zeros(len(truth))], 1)}


def voted(manifest: Manifest) -> tuple[Truth, NDArray[Any]]:
    """What people saw in photos of two strong emotions or of one alone, and which rows these are."""
    truth, rows = [], []
    for row, shares in enumerate(manifest.column(EXPRESSION)):
        votes = dict(zip(EXPRESSION.labels, shares.tolist(), strict=True))
        neutral = votes.pop("neutral")
        strong = frozenset(name for name, share in votes.items() if share >= STRONG and share > neutral)
        if len(strong) == 2 or any(share >= ALONE for share in votes.values()):
            truth.append(strong)
            rows.append(row)
    return truth, np.array(rows)


def judge(classes: Compounds, truth: Truth, scores: NDArray[Any]) -> dict[str, float]:
    """Mean diagonal, F1 and accuracy over the mixtures that occur and that a class of the set has."""
    mixtures = [frozenset(each.expressions) for each in classes.classes]
    asked = [row for row, mixed in enumerate(truth) if mixed in mixtures]
    right = [truth[row] for row in asked]
    said = [mixtures[at] for at in scores[asked].argmax(1)]
    recalls, f1 = [], []
    for mixed in sorted(set(right), key=sorted):
        hits = sum(a == b == mixed for a, b in zip(right, said, strict=True))
        recalls.append(hits / right.count(mixed))
        f1.append(2 * hits / (right.count(mixed) + said.count(mixed)))
    accuracy = float(np.mean([a == b for a, b in zip(right, said, strict=True)]))
    metrics = {"mean_recall": float(np.mean(recalls)), "f1": float(np.mean(f1)), "accuracy": accuracy}
    return {"faces": len(asked), "classes": len(recalls), **{name: round(value, 3) for name, value in metrics.items()}}


def terms(classes: Compounds, truth: Truth, outputs: Outputs) -> dict[str, Any]:
    """Each part of equation 8 alone, and together under every weighting."""
    found: dict[str, Any] = {}
    parts = np.stack(classes.terms(outputs))
    for name, taken in TERMS.items():
        found[name] = judge(classes, truth, np.tensordot(taken, parts, 1))
    for weighting in WEIGHTINGS[1:]:
        other = classes.weighted(weighting)
        found[f"I, {weighting}"] = judge(other, truth, other.terms(outputs)[0])
        found[f"I + F + D, {weighting}"] = judge(other, truth, other.scores(outputs))
    return found


def confusion(classes: Compounds, truth: Truth, outputs: Outputs) -> dict[str, dict[str, int]]:
    """Mixture -> label that was told -> how often."""
    said = [classes.classes[at].label for at in classes.scores(outputs).argmax(1)]
    counts: dict[str, dict[str, int]] = {}
    for mixed, label in zip(truth, said, strict=True):
        row = counts.setdefault(" + ".join(sorted(mixed)), {})
        row[label] = row.get(label, 0) + 1
    return {name: dict(sorted(row.items(), key=lambda each: -each[1])) for name, row in sorted(counts.items())}


def confidence(classes: Compounds, truth: Truth, outputs: Outputs) -> dict[str, dict[str, float]]:
    """Mean of the largest probability, beside the accuracy that it would have to meet."""
    accuracy = judge(classes, truth, classes.scores(outputs))["accuracy"]
    return {
        f"temperature {temperature:g}": {
            "largest": round(float(replace(classes, temperature=temperature).probabilities(outputs).max(1).mean()), 3),
            "accuracy": accuracy,
        }
        for temperature in (1, 0.1)
    }


def decided(truth: Truth, outputs: Outputs) -> dict[str, Any]:
    """Basic or compound, and which of the sixteen: a basic class counted once, or mixed with itself."""
    twice = tuple(replace(each, expressions=each.expressions * 2) if each.basic else each for each in EMOTIONET.classes)
    found: dict[str, Any] = {}
    for name, classes in (("once", EMOTIONET), ("with itself", replace(EMOTIONET, classes=twice))):
        scores = classes.scores(outputs)
        basic = np.array([each.basic for each in classes.classes])[scores.argmax(1)]
        single = np.array([len(mixed) == 1 for mixed in truth])
        kinds = {
            "basic_told_basic": round(float(basic[single].mean()), 3),
            "compound_told_compound": round(float((~basic)[~single].mean()), 3),
        }
        found[name] = {**judge(classes, truth, scores), **kinds}
    return found


def part(truth: Truth, outputs: Mapping[str, NDArray[Any]], wanted: int) -> tuple[Truth, Outputs]:
    """Faces that mix so many expressions."""
    rows = [row for row, mixed in enumerate(truth) if len(mixed) == wanted]
    return [truth[row] for row in rows], {name: values[rows] for name, values in outputs.items()}


def report(truth: Truth, outputs: Outputs) -> dict[str, Any]:
    """All figures of one kind of inputs."""
    mixed, of_mixed = part(truth, outputs, 2)
    kept = [row for row, each in enumerate(mixed) if each in {frozenset(c.expressions) for c in RAF_DB.classes}]
    mixed, of_mixed = [mixed[row] for row in kept], {name: values[kept] for name, values in of_mixed.items()}
    return {
        "raf_db": terms(RAF_DB, mixed, of_mixed),
        "raf_db_confusion": confusion(RAF_DB, mixed, of_mixed),
        "raf_db_confidence": confidence(RAF_DB, mixed, of_mixed),
        "emotionet": decided(truth, outputs),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("renders", type=Path)
    parser.add_argument("photos", type=Path)
    given = parser.parse_args()
    model = Model(threads=1)
    renders, photos = read_manifest(given.renders), read_manifest(given.photos).split("test")
    truth, units = rendered(renders)
    ideal, predicted = perfect(truth, units), told(model, renders, np.arange(len(truth)))
    found = {
        "network": model.name,
        "renders, perfect inputs": report(truth, ideal),
        "renders, exact action units": report(truth, {**predicted, "action_units": units}),
        "renders, network": report(truth, predicted),
    }
    truth, rows = voted(photos)
    found["FER+ test, network"] = report(truth, told(model, photos, rows))
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    for inputs, metrics in found.items():
        if isinstance(metrics, dict):
            print(inputs)
            for name, each in (*metrics["raf_db"].items(), *metrics["emotionet"].items()):
                print("  ", name, each)


if __name__ == "__main__":
    main()
