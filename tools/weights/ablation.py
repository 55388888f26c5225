"""Ablation of the bundled network's recipe: the same recipe, smaller and shorter, with parts changed.

Each setting of :data:`SETTINGS`, or each that you name, is trained with recipes/default_first.yaml at 64 x 64 pixels
for 500 steps, and evaluated on rows that were used neither for training nor for calibration: photos of FER+'s split
`test`, and renders of the split `valid` of build/caf-renders. Probabilities and thresholds are fitted to other rows of
the same kind: photos of the split `valid`, and renders of build/renders. There is one seed per setting, so differences
of a point or two prove nothing. The metrics of a setting are kept next to its run and are not computed again, so
settings can be divided among processes; docs/results/weights_ablation.json has those that are finished.

    python tools/weights/ablation.py [NAME ...]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mien.learn.checkpoint import find, load_network
from mien.learn.data.manifest import read_manifest
from mien.learn.evaluate.predictions import Predictor, predict
from mien.learn.evaluate.predictor import predictor_of
from mien.learn.evaluate.score import score
from mien.learn.export.calibration import Calibration, fit, label_shares
from mien.learn.export.onnx_file import Exported
from mien.tasks import Task

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs/results/weights_ablation.json"
MIEN = Path(sys.executable).with_name("mien")

MATCHING: dict[str, Any] = {"DistributionMatching": {"reading": "kl", "reweight": True, "stop_gradient": "classes"}}
UNLABELLED: dict[str, Any] = {"DistributionMatching": {**MATCHING["DistributionMatching"], "cells": "unlabelled"}}
TASKS = {"expression": 1, "action_units": 1, "affect": 0.5}
MATCHED = {"distribution_matching": 0.25}
CO_ANNOTATED = {"co_annotation_attributes": 0.25, "co_annotation_classes": 0.1}
CO_ANNOTATION: dict[str, Any] = {"couplings": ["CoAnnotation"], "weights": {**TASKS, **CO_ANNOTATED}}
SAMPLED: dict[str, Any] = {"losses": {}, "data.0.balance": 0.5}

SMALLER: dict[str, Any] = {"network.EfficientNetLite0.view": 64, "steps": 500, "validate_every": 500}

SETTINGS: dict[str, dict[str, Any]] = {
    "expression alone": {"tasks": ["expression"], "data.1": None, "couplings": [], "weights": {}},
    "action units alone": {"tasks": ["action_units"], "couplings": [], "weights": {}, "losses": {}},
    "affect alone": {"tasks": ["affect"], "data.1": None, "couplings": [], "weights": {}, "losses": {}},
    "uncoupled": {"couplings": [], "weights": TASKS},
    "matching": {"couplings": [MATCHING], "weights": {**TASKS, **MATCHED}},
    "matching of unlabelled units": {"couplings": [UNLABELLED], "weights": {**TASKS, **MATCHED}},
    "co-annotation": CO_ANNOTATION,
    "soft co-annotation": {"couplings": ["SoftCoAnnotation"], "weights": {**TASKS, "soft_co_annotation": 0.25}},
    "matching and co-annotation": {
        "couplings": [MATCHING, "CoAnnotation"],
        "weights": {**TASKS, **MATCHED, **CO_ANNOTATED},
    },
    "matching of unlabelled units and co-annotation": {
        "couplings": [UNLABELLED, "CoAnnotation"],
        "weights": {**TASKS, **MATCHED, **CO_ANNOTATED},
    },
    "co-annotation and affect matching": {
        "couplings": ["CoAnnotation", "AffectMatching"],
        "weights": {**CO_ANNOTATION["weights"], "affect_matching_classes": 0.1, "affect_matching_affect": 0.1},
    },
    "co-annotation and CAF": {**CO_ANNOTATION, "adversarial": {"weight": 0.1}},
    "uncoupled, cross-entropy": {"couplings": [], "weights": TASKS, "losses": {}},
    "uncoupled, balanced sampling": {"couplings": [], "weights": TASKS, **SAMPLED},
    "uncoupled, balanced sampling, units times four": {
        "couplings": [],
        "weights": {**TASKS, "action_units": 4},
        **SAMPLED,
    },
    "matching of unlabelled units and co-annotation, balanced sampling, units times four": {
        "couplings": [UNLABELLED, "CoAnnotation"],
        "weights": {**TASKS, "action_units": 4, **MATCHED, **CO_ANNOTATED},
        **SAMPLED,
    },
}

PLACES = {
    "photos": (("build/ferplus", "valid"), ("build/ferplus", "test")),
    "renders": (("build/renders", "valid"), ("build/caf-renders", "valid")),
}
"""For each kind of faces: the rows to calibrate on, and the rows to evaluate on."""

PRIOR = 0.5
SHOWN = ("accuracy", "mean_recall", "f1", "f1_present", "ccc", "ccc.valence", "ccc.arousal")


def recipe(setting: dict[str, Any], name: str) -> Path:
    """Write the recipe of a setting and return its path."""
    import yaml

    plain = yaml.safe_load((ROOT / "recipes/default_first.yaml").read_text())
    del plain["epochs"]
    for key, value in {**SMALLER, **setting, "name": name}.items():
        if key == "data.1":  # the renders, whose only labels this setting does not train on
            plain["data"] = plain["data"][:1]
            continue
        place, *inner = key.split(".")
        target: Any = plain
        for step in inner:
            target, place = target[int(place) if isinstance(target, list) else place], step
        target[place] = value
    if plain.get("tasks") == ["action_units"]:
        plain["select"] = None
    elif plain.get("tasks") == ["affect"]:
        plain["select"] = "affect.ccc"
    path = ROOT / "build/ablation" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(plain, sort_keys=False))
    return path


def run_of(name: str) -> Path:
    """The folder of a setting's run."""
    return ROOT / "runs/ablation" / name.replace(", ", "-").replace(" ", "-")


def kept(name: str) -> Path:
    """The file with the metrics of a setting."""
    return run_of(name) / "figures.json"


def run(name: str) -> dict[str, Any]:
    """Train, calibrate and evaluate a setting; its metrics by kind of faces."""
    folder = run_of(name)
    slug = folder.name
    command = [str(MIEN), "train", str(recipe(SETTINGS[name], slug)), "--out", str(folder)]
    subprocess.run([*command, *(["--resume"] if find(folder / "last") else [])], check=True)
    network, card = load_network(folder / "last")
    tasks = tuple(Task.from_dict(task) for task in card["tasks"])
    raw = predictor_of(network, tasks, raw=True)
    found = {}
    for place, rows in PLACES.items():
        fitted, held_out = (read_manifest(ROOT / manifest).split(split) for manifest, split in rows)
        labels = {task.name: label_shares(fitted, task) for task in tasks}
        calibration, _ = fit(tasks, [predict(raw, tasks, fitted).outputs], [labels], PRIOR)
        predictions = predict(predictor(network, tasks, calibration), tasks, held_out)
        found[place] = {
            key: round(value, 4)
            for key, value in score(predictions).items()
            if key.partition(".")[2] in SHOWN or ".recall." in key or ".f1." in key
        }
    return found


def predictor(network: nn.Module, tasks: tuple[Task, ...], calibration: Calibration) -> Predictor:
    """The predictor that `mien export` would write."""
    exported = Exported(network, tasks, calibration).eval()

    def predict(crops: NDArray[np.uint8]) -> dict[str, NDArray[np.floating]]:
        with torch.inference_mode():
            values = exported(torch.from_numpy(crops))
        return {task.name: value.numpy() for task, value in zip(tasks, values, strict=True)}

    return predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SETTINGS))
    names = parser.parse_args().names or list(SETTINGS)
    for name in names:
        if not kept(name).exists():
            kept(name).write_text(json.dumps(run(name)))
        print(f"{name}: done", flush=True)
        found = {each: json.loads(kept(each).read_text()) for each in SETTINGS if kept(each).exists()}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
