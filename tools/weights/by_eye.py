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

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.annotate.model import BUNDLED, Model
from mien.learn.data.manifest import read_manifest
from mien.learn.predictions import predict
from mien.tasks import ACTION_UNITS

TOOLS = Path(__file__).parent
ROOT = TOOLS.parents[1]
DATA = ROOT / "build/ferplus"
CODED = tuple(unit for unit in ACTION_UNITS.labels if unit not in ("AU14", "AU23"))
MOUTH = ("AU10", "AU12", "AU15", "AU17", "AU20", "AU24", "AU25", "AU26")


def f1(told: NDArray[np.floating], shown: NDArray[np.floating]) -> float | None:
    """At 0.5, over the photos that both speak of; None if there is none."""
    known = ~(np.isnan(told) | np.isnan(shown))
    present, yes = shown[known] == 1, told[known] >= 0.5
    return round(float(2 * (present & yes).sum() / max(1, present.sum() + yes.sum())), 4) if known.any() else None


def main() -> None:
    codes = json.loads((TOOLS / "by_eye_codes.json").read_text())
    every = read_manifest(DATA)
    names = [Path(path).name for path in every.table["path"].to_pylist()]
    rows = np.array([names.index(name) for name in codes])
    photos = replace(every, table=every.table.take(rows))
    teacher = runpy.run_path(str(TOOLS / "teach.py"))["labels"](pq.read_table(DATA / "blendshapes.parquet"))
    networks = {name: Model(name) for name in BUNDLED}
    told = {
        "teacher alone": {unit: column.to_numpy(zero_copy_only=False)[rows] for unit, column in teacher.items()},
        "labels": dict(zip(ACTION_UNITS.labels, photos.column(ACTION_UNITS).T, strict=True)),
    }
    for name, network in networks.items():
        outputs = predict(network, network.tasks, photos).outputs[ACTION_UNITS.name]
        told[name] = dict(zip(ACTION_UNITS.labels, outputs.T, strict=True))
    found = {}
    for unit in CODED:
        shown = np.array(
            [np.nan if unit in MOUTH and "covered" in code else float(unit in code["shown"]) for code in codes.values()]
        )
        found[unit] = {"shown": int(np.nansum(shown))}
        found[unit] |= {source: f1(column[unit], shown) for source, column in told.items() if unit in column}
    (ROOT / "docs/results/by_eye.json").write_text(json.dumps({"photos": len(codes), "units": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
