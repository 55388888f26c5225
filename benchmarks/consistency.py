"""How often the bundled network contradicts itself, on photos and on renders.

The photos are those of the split `test`. The renders have exact action units (docs/renders.md), which are also compared
with the expression that the network predicts. Writes docs/results/consistency.json.

    mien data import ferplus FERPLUS PHOTOS
    mien data render ICT_FACEKIT RENDERS --count 368 --kind compound=11 --kind expression=6 --seed 7
    python benchmarks/consistency.py PHOTOS RENDERS
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from mien.annotate.model import Model
from mien.learn.data.manifest import Manifest, read_manifest
from mien.relatedness.consistency import measure_consistency
from mien.relatedness.table import AFF_WILD2, DU_2014
from mien.tasks import ACTION_UNITS

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "consistency.json"
MARGINS = (0.0, 0.1)


def predicted(model: Model, manifest: Manifest) -> dict[str, Any]:
    """The network's outputs for all rows."""
    crops = np.stack([np.asarray(manifest.crops[at]) for at in manifest.table["crop"].to_numpy()])
    return dict(model(np.repeat(crops, 3, 3) if crops.shape[3] == 1 else crops))


def metrics(outputs: dict[str, Any]) -> dict[str, Any]:
    """The consistency by relatedness table and margin of the valence."""
    return {
        f"{name}, margin {margin:g}": measure_consistency(outputs, table, margin=margin)
        for name, table in (("du_2014", DU_2014), ("aff_wild2", AFF_WILD2))
        for margin in MARGINS
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("renders", type=Path)
    options = parser.parse_args()
    model = Model(threads=1)
    renders = read_manifest(options.renders)
    of_renders = predicted(model, renders)
    exact = {**of_renders, "action_units": np.nan_to_num(renders.column(ACTION_UNITS))}
    found = {
        "network": model.name,
        "FER+ test": metrics(predicted(model, read_manifest(options.photos).split("test"))),
        "renders": metrics(of_renders),
        "renders, exact action units": metrics(exact),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    for name, each in found.items():
        if isinstance(each, dict):
            for setting, values in each.items():
                print(name, setting, {key: value for key, value in values.items() if key != "by_class"})


if __name__ == "__main__":
    main()
