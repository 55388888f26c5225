"""Judge the bundled networks on what nothing was trained or calibrated by; the card and its tests read the result.

    python tools/weights/figures.py

FER+ photos of the split `test`: expressions by the votes' majority, weak valence and arousal, and the teacher's
action units. Renders of the split `valid` of build/caf-renders, persons that trained nothing: exact action units.
No coder has seen the photos, so of those that nearly all annotators called neutral it is counted how many show each
unit. Then the same class probabilities for other populations, on these photos and on those of validation: how much
accuracy of the one is paid for that of the other. The second table chooses what is shipped: the power with the highest
mean of the two accuracies.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.annotate.model import Model
from mien.learn.data.manifest.manifest import read_manifest
from mien.learn.evaluate.predictions import Predictions, predict
from mien.learn.evaluate.reliability import BINS
from mien.learn.evaluate.score import score
from mien.tasks import ACTION_UNITS, EXPRESSION

WEIGHTS = Path(__file__).parents[2] / "src/mien/weights"
PLACES = {"photos": (Path("build/ferplus"), "test"), "renders": (Path("build/caf-renders"), "valid")}
PRIORS = (0.0, 0.25, 0.5, 0.75, 1.0)
NEUTRAL = 0.9
"""Share of the votes from which on a face is surely neutral."""


def calibration_error(p: NDArray[np.floating], labels: NDArray[np.int_], weight: NDArray[np.floating]) -> float:
    """The expected calibration error of the likeliest class, of rows that count by their weights."""
    place = np.clip((p.max(1) * BINS).astype(int), 0, BINS - 1)
    gap = np.bincount(place, weight * (p.max(1) - (p.argmax(1) == labels)), BINS)
    return float(np.abs(gap).sum() / weight.sum())


def populations(found: Predictions, rate: NDArray[np.floating], shipped: float) -> list[dict[str, float]]:
    """Accuracy and calibration in the test's own population and in a balanced one, for probabilities made for each
    prior."""
    known = found.mask[EXPRESSION.name]
    labels, told = found.labels[EXPRESSION.name][known], found.outputs[EXPRESSION.name][known].astype(np.float64)
    count = np.bincount(labels, minlength=len(EXPRESSION))
    balanced = 1 / count[labels]
    result = []
    for prior in PRIORS:
        p = told * rate ** (prior - shipped)
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
    """Of surely neutral faces the share that shows each unit."""
    surely = votes[:, EXPRESSION.labels.index("neutral")] >= NEUTRAL
    shown = found.outputs[ACTION_UNITS.name][surely] >= 0.5
    return {"faces": int(surely.sum()), **dict(zip(ACTION_UNITS.labels, shown.mean(0).tolist(), strict=True))}


def chosen(validation: list[dict[str, float]]) -> float:
    """The power of the highest mean of the two accuracies; of those equal to a tenth of a percent the more accurate."""

    def worth(each: dict[str, float]) -> tuple[float, float]:
        return round((each["accuracy"] + each["balanced accuracy"]) / 2, 3), each["accuracy"]

    return max(validation, key=worth)["prior"]


def main() -> None:
    networks: dict[str, Any] = {}
    rows = {name: read_manifest(folder).split(split) for name, (folder, split) in PLACES.items()}
    valid = read_manifest(PLACES["photos"][0]).split("valid")
    rate = np.nanmean(valid.column(EXPRESSION), 0)
    for path in (WEIGHTS / "default.onnx", WEIGHTS / "tiny.onnx"):
        model = Model(path)
        found = {name: predict(model, model.tasks, each) for name, each in rows.items()}
        prior = json.loads(Path(f"runs/{path.stem}/last/readout.json").read_text())["prior"]
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
