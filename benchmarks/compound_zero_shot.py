"""How well equation 8 of papers/003 predicts compounds, on exact renders and on photos with votes.

Renders show the prototypical action units of both basic classes of a compound (docs/renders.md). They are evaluated
with three kinds of inputs:

- perfect ones: the exact action units; half of the probability for each of the two expressions (all of it for a basic
  class); and the mean valence of both words;
- the exact action units, and the bundled network's predictions of everything else;
- the predictions of the bundled network only.

FER+ photos of the test split are compounds if two of the six emotions have 0.3 or more of the votes each, both more
than neutral; photos on which one emotion has 0.8 or more are basic. A prediction is correct if its class mixes the
same expressions: appalled is correct for angrily disgusted, because the score cannot resolve that ambiguity. Writes
docs/results/compounds.json.

    mien data render ICT_FACEKIT RENDERS --count 368 --kind compound=11 --kind expression=6 --seed 7
    mien data import ferplus FERPLUS PHOTOS
    python benchmarks/compound_zero_shot.py RENDERS PHOTOS
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.annotate.model import Model
from mien.compound import WEIGHTINGS, Compounds
from mien.compound_sets import EMOTIONET, RAF_DB
from mien.learn.data.manifest import Manifest, read_manifest
from mien.relatedness.affect_prior import CIRCUMPLEX
from mien.tasks import ACTION_UNITS, EXPRESSION

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "compounds.json"
STRONG, ALONE = 0.3, 0.8
TERMS = {"I": (1, 0, 0), "F": (0, 1, 0), "I + F": (1, 1, 0), "I + F + D": (1, 1, 1)}

Outputs = dict[str, NDArray[Any]]
Truth = list[frozenset[str]]
"""The expressions that each face mixes."""


def predicted(model: Model, manifest: Manifest, rows: NDArray[Any]) -> Outputs:
    """The network's outputs for these rows of a manifest."""
    crops = np.stack([np.asarray(manifest.crops[at]) for at in manifest.table["crop"].to_numpy()[rows]])
    return dict(model(np.repeat(crops, 3, 3) if crops.shape[3] == 1 else crops))


def rendered(manifest: Manifest) -> tuple[Truth, NDArray[Any]]:
    """The expressions that each render mixes, and its exact action units."""
    mixtures = {each.label: frozenset(each.expressions) for each in RAF_DB.classes}
    pairs = zip(*(manifest.table[name].to_pylist() for name in ("compound", "expression")), strict=True)
    truth = [mixtures[compound] if compound else frozenset({expression}) for compound, expression in pairs]
    return truth, np.nan_to_num(manifest.column(ACTION_UNITS))


def perfect(truth: Truth, units: NDArray[Any]) -> Outputs:
    """The outputs of a network without errors."""
    shares = np.array([[(label in mixed) / len(mixed) for label in EXPRESSION.labels] for mixed in truth])
    valence = [np.mean([CIRCUMPLEX[label][0] for label in mixed]) for mixed in truth]
    return {"expression": shares, "action_units": units, "affect": np.stack([valence, np.zeros(len(truth))], 1)}


def voted(manifest: Manifest) -> tuple[Truth, NDArray[Any]]:
    """The mixtures of the photos with two strong emotions or only one, and the rows of these photos."""
    truth, rows = [], []
    for row, shares in enumerate(manifest.column(EXPRESSION)):
        votes = dict(zip(EXPRESSION.labels, shares.tolist(), strict=True))
        neutral = votes.pop("neutral")
        strong = frozenset(name for name, share in votes.items() if share >= STRONG and share > neutral)
        if len(strong) == 2 or any(share >= ALONE for share in votes.values()):
            truth.append(strong)
            rows.append(row)
    return truth, np.array(rows)


def evaluate(classes: Compounds, truth: Truth, scores: NDArray[Any]) -> dict[str, float]:
    """Mean recall, F1 and accuracy over the mixtures that occur and that the set of classes contains."""
    mixtures = [frozenset(each.expressions) for each in classes.classes]
    rows = [row for row, mixed in enumerate(truth) if mixed in mixtures]
    labels = [truth[row] for row in rows]
    predictions = [mixtures[at] for at in scores[rows].argmax(1)]
    recalls, f1 = [], []
    for mixed in sorted(set(labels), key=sorted):
        hits = sum(a == b == mixed for a, b in zip(labels, predictions, strict=True))
        recalls.append(hits / labels.count(mixed))
        f1.append(2 * hits / (labels.count(mixed) + predictions.count(mixed)))
    accuracy = float(np.mean([a == b for a, b in zip(labels, predictions, strict=True)]))
    metrics = {"mean_recall": float(np.mean(recalls)), "f1": float(np.mean(f1)), "accuracy": accuracy}
    return {"faces": len(rows), "classes": len(recalls), **{name: round(value, 3) for name, value in metrics.items()}}


def terms(classes: Compounds, truth: Truth, outputs: Outputs) -> dict[str, Any]:
    """The terms of equation 8, singly and combined, and with every weighting."""
    found: dict[str, Any] = {}
    parts = np.stack(classes.terms(outputs))
    for name, used in TERMS.items():
        found[name] = evaluate(classes, truth, np.tensordot(used, parts, 1))
    for weighting in WEIGHTINGS[1:]:
        other = classes.weighted(weighting)
        found[f"I, {weighting}"] = evaluate(other, truth, other.terms(outputs)[0])
        found[f"I + F + D, {weighting}"] = evaluate(other, truth, other.scores(outputs))
    return found


def confusion(classes: Compounds, truth: Truth, outputs: Outputs) -> dict[str, dict[str, int]]:
    """The number of faces by mixture and predicted label."""
    predictions = [classes.classes[at].label for at in classes.scores(outputs).argmax(1)]
    counts: dict[str, dict[str, int]] = {}
    for mixed, label in zip(truth, predictions, strict=True):
        row = counts.setdefault(" + ".join(sorted(mixed)), {})
        row[label] = row.get(label, 0) + 1
    return {name: dict(sorted(row.items(), key=lambda each: -each[1])) for name, row in sorted(counts.items())}


def confidence(classes: Compounds, truth: Truth, outputs: Outputs) -> dict[str, dict[str, float]]:
    """The mean of the largest probability, and the accuracy that it should equal."""
    accuracy = evaluate(classes, truth, classes.scores(outputs))["accuracy"]
    return {
        f"temperature {temperature:g}": {
            "largest": round(float(replace(classes, temperature=temperature).probabilities(outputs).max(1).mean()), 3),
            "accuracy": accuracy,
        }
        for temperature in (1, 0.1)
    }


def sixteen(truth: Truth, outputs: Outputs) -> dict[str, Any]:
    """Sixteen basic and compound classes, with a basic class counted once or mixed with itself."""
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
        found[name] = {**evaluate(classes, truth, scores), **kinds}
    return found


def report(truth: Truth, outputs: Outputs) -> dict[str, Any]:
    """All metrics of one kind of inputs."""
    compounds = {frozenset(each.expressions) for each in RAF_DB.classes}
    rows = [row for row, mixed in enumerate(truth) if len(mixed) == 2 and mixed in compounds]
    mixed, of_mixed = [truth[row] for row in rows], {name: values[rows] for name, values in outputs.items()}
    return {
        "raf_db": terms(RAF_DB, mixed, of_mixed),
        "raf_db_confusion": confusion(RAF_DB, mixed, of_mixed),
        "raf_db_confidence": confidence(RAF_DB, mixed, of_mixed),
        "emotionet": sixteen(truth, outputs),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("renders", type=Path)
    parser.add_argument("photos", type=Path)
    options = parser.parse_args()
    model = Model(threads=1)
    renders, photos = read_manifest(options.renders), read_manifest(options.photos).split("test")
    truth, units = rendered(renders)
    outputs = predicted(model, renders, np.arange(len(truth)))
    found = {
        "network": model.name,
        "renders, perfect inputs": report(truth, perfect(truth, units)),
        "renders, exact action units": report(truth, {**outputs, "action_units": units}),
        "renders, network": report(truth, outputs),
    }
    truth, rows = voted(photos)
    found["FER+ test, network"] = report(truth, predicted(model, photos, rows))
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    for inputs, metrics in found.items():
        if isinstance(metrics, dict):
            print(inputs)
            for name, each in (*metrics["raf_db"].items(), *metrics["emotionet"].items()):
                print("  ", name, each)


if __name__ == "__main__":
    main()
