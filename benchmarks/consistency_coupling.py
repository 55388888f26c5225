"""How often small networks contradict themselves, trained with and without couplings.

Each network is evaluated on the validation rows of its recipe, after its last epoch. Writes
docs/results/consistency_coupling.json and prints the rows of the table in docs/compounds.md.

    mien train recipes/coupled_renders.yaml
    mien train recipes/coupled_renders.yaml --set couplings=[] --set name=uncoupled_renders
    python benchmarks/consistency_coupling.py runs/uncoupled_renders/last runs/coupled_renders/last
"""

import argparse
import json
from pathlib import Path
from typing import Any

from mien.learn.checkpoint import read_card
from mien.learn.data.manifest import read_manifest
from mien.learn.evaluate.predictions import predict
from mien.learn.evaluate.predictor import open_predictor
from mien.learn.evaluate.score import score
from mien.relatedness.consistency import measure_consistency
from mien.relatedness.table import DU_2014

RESULTS = Path(__file__).parents[1] / "docs" / "results" / "consistency_coupling.json"
CONSISTENCY = ("unsupported", "contradicted", "valence_against", "inconsistent", "gap")
METRICS = ("expression.accuracy", "action_units.f1")


def measure(checkpoint: str) -> tuple[str, dict[str, Any]]:
    """The name of a run, and its metrics."""
    recipe = read_card(checkpoint)["recipe"]
    predictor, tasks = open_predictor(checkpoint)
    rows = recipe["validation"][0]
    found = predict(predictor, tasks, read_manifest(rows["manifest"]).split(rows["split"]))
    metrics = score(found)
    consistency = measure_consistency(found.outputs, DU_2014)
    del consistency["by_class"]
    return recipe["name"], {**consistency, **{name: metrics[name] for name in METRICS}}


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT")
    results = dict(measure(checkpoint) for checkpoint in parser.parse_args().checkpoints)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    for run, each in results.items():
        print(f"| {run} | " + " | ".join(f"{each[name]:.3f}" for name in (*CONSISTENCY, *METRICS)) + " |")


if __name__ == "__main__":
    main()
