"""Evaluate the bundled networks on data not used for training or calibration; the card and its tests read the result.

- FER+ photos of the split `test`: expressions by the majority of the votes, weak valence and arousal, and the action
  units of the teacher.
- Renders of the split `valid` of build/caf-renders, of people who are not in the training set: exact action units.
- No FACS coder has seen the photos. So among those that nearly all annotators called neutral, the share predicted
  to show each unit is counted.
- The same class probabilities for other populations, on these photos and on those of validation: the trade-off between
  the accuracies in different populations. Validation selects the power that is shipped: the one with the highest mean
  of both accuracies.

Writes src/mien/weights/figures.json.

    python tools/weights/figures.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.annotate.model import Model
from mien.learn.data.manifest import read_manifest
from mien.learn.evaluate.predictions import Predictions, predict
from mien.learn.evaluate.reliability import BINS
from mien.learn.evaluate.score import score
from mien.tasks import ACTION_UNITS, EXPRESSION

WEIGHTS = Path(__file__).parents[2] / "src/mien/weights"
PLACES = {"photos": (Path("build/ferplus"), "test"), "renders": (Path("build/caf-renders"), "valid")}
PRIORS = (0.0, 0.25, 0.5, 0.75, 1.0)
NEUTRAL = 0.9
"""The lowest share of votes with which a face counts as surely neutral."""


def calibration_error(p: NDArray[np.floating], labels: NDArray[np.int_], weight: NDArray[np.floating]) -> float:
    """The expected calibration error of the most probable class, with weighted rows."""
    place = np.clip((p.max(1) * BINS).astype(int), 0, BINS - 1)
    gap = np.bincount(place, weight * (p.max(1) - (p.argmax(1) == labels)), BINS)
    return float(np.abs(gap).sum() / weight.sum())


def populations(found: Predictions, rate: NDArray[np.floating], shipped: float) -> list[dict[str, float]]:
    """For the probabilities of each prior: accuracy and calibration in the rows' own population and a balanced one."""
    known = found.mask[EXPRESSION.name]
    labels, predicted = found.labels[EXPRESSION.name][known], found.outputs[EXPRESSION.name][known].astype(np.float64)
    count = np.bincount(labels, minlength=len(EXPRESSION))
    balanced = 1 / count[labels]
    result = []
    for prior in PRIORS:
        p = predicted * rate ** (prior - shipped)
        p /= p.sum(1, keepdims=True)
        right = p.argmax(1) == labels
        result.append({
            "prior": prior,
            "accuracy": float(right.mean()),
            "balanced accuracy": float(np.average(right, weights=balanced)),
            "calibration error": calibration_error(p, labels, np.ones(len(p))),
            "balanced calibration error": calibration_error(p, labels, balanced),
        })  # fmt: skip
    return result


def false_alarms(found: Predictions, votes: NDArray[np.floating]) -> dict[str, float]:
    """The share of surely neutral faces that are predicted to show each unit."""
    surely = votes[:, EXPRESSION.labels.index("neutral")] >= NEUTRAL
    shown = found.outputs[ACTION_UNITS.name][surely] >= 0.5
    return {"faces": int(surely.sum()), **dict(zip(ACTION_UNITS.labels, shown.mean(0).tolist(), strict=True))}


def chosen(validation: list[dict[str, float]]) -> float:
    """The power with the highest mean of the two accuracies; ties within a tenth of a percent go to the accuracy."""

    def quality(each: dict[str, float]) -> tuple[float, float]:
        return round((each["accuracy"] + each["balanced accuracy"]) / 2, 3), each["accuracy"]

    return max(validation, key=quality)["prior"]


def prior_of(name: str) -> float:
    """The power that the network was calibrated with; older runs stored it in readout.json."""
    folder = Path("runs") / name / "last"
    stored = next(path for path in (folder / "calibration.json", folder / "readout.json") if path.exists())
    return float(json.loads(stored.read_text())["prior"])


def main() -> None:
    networks: dict[str, Any] = {}
    rows = {name: read_manifest(folder).split(split) for name, (folder, split) in PLACES.items()}
    valid = read_manifest(PLACES["photos"][0]).split("valid")
    rate = np.nanmean(valid.column(EXPRESSION), 0)
    for path in (WEIGHTS / "default.onnx", WEIGHTS / "tiny.onnx"):
        model = Model(path)
        found = {name: predict(model, model.tasks, each) for name, each in rows.items()}
        prior = prior_of(path.stem)
        networks[path.stem] = {
            "megabytes": round(path.stat().st_size / 1e6, 1),
            "prior": prior,
            **{name: score(each) for name, each in found.items()},
            "neutral": false_alarms(found["photos"], rows["photos"].column(EXPRESSION)),
            "populations": populations(found["photos"], rate, prior),
            "validation": populations(predict(model, model.tasks, valid), rate, prior),
        }
    class_prior = dict(zip(EXPRESSION.labels, rate.tolist(), strict=True))
    text = json.dumps({"networks": networks, "class prior": class_prior}, indent=1)
    (WEIGHTS / "figures.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
