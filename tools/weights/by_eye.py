"""Compare labels and networks with the action units that one of us saw on 93 photos: docs/results/by_eye.json.

The codes are in by_eye_codes.json: about fourteen photos of each expression, drawn at random from FER+'s split `test`,
enlarged, in mixed order, and coded before any of their labels were seen. The coder is not certified, the photos have
48 x 48 pixels, and the expression is visible in them too. The units of a covered mouth are not coded, and neither are
AU14 and AU23.

    python tools/weights/by_eye.py
"""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mien.annotate.model import BUNDLED, Model
from mien.learn.checkpoint import find, load_network
from mien.learn.data.manifest import Manifest, read_manifest
from mien.learn.evaluate.metrics import task_metrics
from mien.learn.evaluate.predictions import predict
from mien.learn.evaluate.predictor import predictor_of
from mien.tasks import ACTION_UNITS, Task

TOOLS = Path(__file__).parent
ROOT = TOOLS.parents[1]
DATA = ROOT / "build/ferplus"
RESULT = ROOT / "docs/results/by_eye.json"
NOT_CODED = ("AU14", "AU23")
MOUTH = ("AU10", "AU12", "AU15", "AU17", "AU20", "AU24", "AU25", "AU26")
FEWEST = 6
"""The number of photos that must show a unit to compute its AUC."""

Array = NDArray[np.floating]


def seen(codes: dict[str, Any]) -> Array:
    """The codes as labels, N x 17; NaN for units that are not coded or are covered."""

    def cell(code: dict[str, Any], unit: str) -> float:
        hidden = unit in NOT_CODED or ("covered" in code and unit in MOUTH)
        return np.nan if hidden else float(unit in code["shown"])

    return np.array([[cell(code, unit) for unit in ACTION_UNITS.labels] for code in codes.values()])


def by_teacher(rows: NDArray[np.int_]) -> Array:
    """The teacher's own labels of these rows, N x 17; NaN for units that it cannot detect."""
    labels = runpy.run_path(str(TOOLS / "teach.py"))["labels"](pq.read_table(DATA / "blendshapes.parquet"))
    blind = np.full(len(rows), np.nan)
    columns = [
        labels[unit].to_numpy(zero_copy_only=False)[rows] if unit in labels else blind for unit in ACTION_UNITS.labels
    ]
    return np.stack(columns, 1)


def f1(predicted: Array, shown: Array) -> dict[str, float]:
    """The F1 of each unit at 0.5, over the photos where both are known."""
    known = ~(np.isnan(predicted) | np.isnan(shown))
    found = task_metrics(ACTION_UNITS, np.nan_to_num(predicted), np.nan_to_num(shown), known)
    return {name.removeprefix("f1."): round(value, 4) for name, value in found.items() if name.startswith("f1.")}


def auc(predicted: Array, shown: Array) -> float:
    """The mean AUC over units: how often a photo that shows a unit scores higher than one that does not."""
    found = []
    for own, truth in zip(predicted.T, shown.T, strict=True):
        known = ~np.isnan(truth)
        if truth[known].sum() >= FEWEST:
            found.append(float(roc_auc_score(truth[known], own[known])))
    return round(fmean(found), 4)


def compared(photos: Manifest, shown: Array) -> dict[str, float]:
    """The AUC of each network of the ablation (ablation.py) whose run exists."""
    ablation = runpy.run_path(str(TOOLS / "ablation.py"))
    folders = {name: ablation["run_of"](name) / "last" for name in ablation["SETTINGS"]}
    found = {}
    for name, folder in folders.items():
        if find(folder) is None:
            continue
        network, card = load_network(folder)
        tasks = tuple(Task.from_dict(task) for task in card["tasks"])
        if ACTION_UNITS in tasks:
            predicted = predict(predictor_of(network, tasks, raw=True), tasks, photos).outputs[ACTION_UNITS.name]
            found[name] = auc(predicted, shown)
    return found


def main() -> None:
    codes = json.loads((TOOLS / "by_eye_codes.json").read_text())
    every = read_manifest(DATA)
    names = [Path(path).name for path in every.table["path"].to_pylist()]
    rows = np.array([names.index(name) for name in codes])
    photos, shown = replace(every, table=every.table.take(rows)), seen(codes)
    predicted = {"teacher alone": by_teacher(rows), "labels": photos.column(ACTION_UNITS)}
    for name in BUNDLED:
        network = Model(name)
        predicted[name] = predict(network, network.tasks, photos).outputs[ACTION_UNITS.name]
    metrics = {source: f1(values, shown) for source, values in predicted.items()}
    units = {
        unit: {
            "shown": int(np.nansum(column)),
            **{source: each[unit] for source, each in metrics.items() if unit in each},
        }
        for unit, column in zip(ACTION_UNITS.labels, shown.T, strict=True)
        if unit not in NOT_CODED
    }
    # `make weights` does not run the ablation: keep the results of runs that no longer exist
    comparison = json.loads(RESULT.read_text())["comparison"] | compared(photos, shown)
    RESULT.write_text(json.dumps({"photos": len(codes), "units": units, "comparison": comparison}, indent=1) + "\n")


if __name__ == "__main__":
    main()
