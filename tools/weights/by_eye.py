"""Labels and networks against the action units that one of us saw on 93 photos: docs/results/by_eye.json.

    python tools/weights/by_eye.py

by_eye_codes.json has the codes: about fourteen photos of each expression, drawn at random from FER+'s split `test`,
enlarged, in mixed order, and coded before any label of theirs was looked at. It is no certified coder's work, the
photos have 48 x 48 pixels, and whoever looks sees the expression too. A covered mouth has no code of its units; AU14
and AU23 have none at all.
"""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from mien.annotate.model import BUNDLED, Model
from mien.learn.checkpoint import find, load_network
from mien.learn.data.manifest import Manifest, read_manifest
from mien.learn.evaluate import predictor_of
from mien.learn.predictions import predict
from mien.tasks import ACTION_UNITS, Task

TOOLS = Path(__file__).parent
ROOT = TOOLS.parents[1]
DATA = ROOT / "build/ferplus"
RESULT = ROOT / "docs/results/by_eye.json"
CODED = tuple(unit for unit in ACTION_UNITS.labels if unit not in ("AU14", "AU23"))
FEWEST = 6
"""Photos that must show a unit for an AUC."""

MOUTH = ("AU10", "AU12", "AU15", "AU17", "AU20", "AU24", "AU25", "AU26")


def f1(told: NDArray[np.floating], shown: NDArray[np.floating]) -> float | None:
    """At 0.5, over the photos that both speak of; None if there is none."""
    known = ~(np.isnan(told) | np.isnan(shown))
    present, yes = shown[known] == 1, told[known] >= 0.5
    return round(float(2 * (present & yes).sum() / max(1, present.sum() + yes.sum())), 4) if known.any() else None


def auc(told: NDArray[np.floating], shown: NDArray[np.floating]) -> float:
    """How often a photo that shows a unit gets more of it than one that does not; it needs no threshold."""
    known = ~np.isnan(shown)
    return float(roc_auc_score(shown[known], told[known]))


def compared(photos: Manifest, shown: dict[str, NDArray[np.floating]]) -> dict[str, float]:
    """The mean AUC of each network of the comparison (ablation.py) whose run is there."""
    ablation = runpy.run_path(str(TOOLS / "ablation.py"))
    found = {}
    for name in ablation["SETTINGS"]:
        folder = ablation["run_of"](name) / "last"
        if find(folder) is None:
            continue
        network, card = load_network(folder)
        tasks = tuple(Task.from_dict(task) for task in card["tasks"])
        if ACTION_UNITS in tasks:
            told = predict(predictor_of(network, tasks, raw=True), tasks, photos).outputs[ACTION_UNITS.name]
            units = [unit for unit, column in shown.items() if np.nansum(column) >= FEWEST]
            each = [auc(told[:, ACTION_UNITS.labels.index(unit)], shown[unit]) for unit in units]
            found[name] = round(fmean(each), 4)
    return found


def main() -> None:
    codes = json.loads((TOOLS / "by_eye_codes.json").read_text())
    every = read_manifest(DATA)
    names = [Path(path).name for path in every.table["path"].to_pylist()]
    rows = np.array([names.index(name) for name in codes])
    photos = replace(every, table=every.table.take(rows))
    shown = {
        unit: np.array(
            [np.nan if unit in MOUTH and "covered" in code else float(unit in code["shown"]) for code in codes.values()]
        )
        for unit in CODED
    }
    teacher = runpy.run_path(str(TOOLS / "teach.py"))["labels"](pq.read_table(DATA / "blendshapes.parquet"))
    told = {
        "teacher alone": {unit: column.to_numpy(zero_copy_only=False)[rows] for unit, column in teacher.items()},
        "labels": dict(zip(ACTION_UNITS.labels, photos.column(ACTION_UNITS).T, strict=True)),
    }
    for name in BUNDLED:
        network = Model(name)
        outputs = predict(network, network.tasks, photos).outputs[ACTION_UNITS.name]
        told[name] = dict(zip(ACTION_UNITS.labels, outputs.T, strict=True))
    units = {
        unit: {"shown": int(np.nansum(column))}
        | {source: f1(columns[unit], column) for source, columns in told.items() if unit in columns}
        for unit, column in shown.items()
    }
    before = json.loads(RESULT.read_text()).get("comparison", {}) if RESULT.exists() else {}
    found = {"photos": len(codes), "units": units, "comparison": before | compared(photos, shown)}
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
