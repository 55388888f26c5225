"""From a teacher's blendshapes to soft labels of action units, written into the manifest that they were seen in.

    python tools/weights/teach.py build/ferplus

A blendshape is a value of 0 to 1 with a scale of its own: `eyeWide` is 0.1 where `mouthSmile` is 0.8. The label is
``sigmoid(4 (score - half) / half)``: 0.5 at ``half``, 0.02 at 0. The nine halves were chosen by looking at photos of
FER2013 in the order of their scores, without any label of an action unit, since there are none for them; so a label
says which photos show *more* of a unit, and where "present" begins is a judgement. Units that the landmarker is blind
to (6, 9, 10, 14, 15, 23, 24, 26: its `cheekSquint` and `noseSneer` stay at 0, its `jawOpen` says little of AU26) have
no label here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mien.learn.data.manifest import read_manifest
from mien.learn.data.writing import rewrite

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

WEAK = "sigmoid of MediaPipe's blendshapes (tools/weights/teach.py); a teacher's, no coder's"


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a manifest with blendshapes.parquet beside it")
    folder = parser.parse_args().folder
    manifest = read_manifest(folder)
    blendshapes = pq.read_table(folder / "blendshapes.parquet")
    teacher = json.loads(blendshapes.schema.metadata[b"mien"])
    facts = json.loads(pq.read_schema(folder / "manifest.parquet").metadata[b"mien"])
    facts |= {"weak": {**facts.get("weak", {}), "action_units": WEAK}, "teacher": teacher}
    rewrite(folder / "manifest.parquet", labels(blendshapes), facts, manifest.tasks)
    found = blendshapes.num_rows - blendshapes.column(0).null_count
    print(f"{found} of {blendshapes.num_rows} crops have labels of {', '.join(UNITS)}")


if __name__ == "__main__":
    main()
