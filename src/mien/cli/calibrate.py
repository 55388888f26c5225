"""The command ``mien calibrate``: parses, calls, prints. PyTorch is imported inside the command only."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.terminal import fail, needs_extra, print_table


def calibrate(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A checkpoint folder, such as runs/NAME/best.")
    ],
    manifest: Annotated[
        list[Path],
        typer.Option(help="Rows to fit by; repeat the option: a label is fitted by the first that can fit it."),
    ],
    split: Annotated[str, typer.Option(help="Which of their rows; they must not have trained anything.")] = "valid",
    prior: Annotated[
        float,
        typer.Option(min=0, max=1, help="Class frequencies that are meant: 1 those of the rows, 0 all classes alike."),
    ] = 1.0,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Average each face with its mirror image: surer, at twice the time.")
    ] = False,
) -> None:
    """Fit probabilities and thresholds of a trained network; `mien export` builds them in.

    Probabilities become those of a population whose class frequencies are the rows' to the power of --prior. Written
    into the checkpoint's folder as calibration.json, replacing an earlier one. Exit status: 0 when done, 2 if it cannot.
    """
    with needs_extra():
        from mien.learn.checkpoint import CheckpointError, find, load_network
        from mien.learn.data.manifest.manifest import ManifestError, read_manifest
        from mien.learn.evaluate.predictions import predict
        from mien.learn.evaluate.predictor import predictor_of
        from mien.learn.export.calibration import CALIBRATION, fit, label_shares
        from mien.learn.export.mirror import Mirrored
        from mien.tasks import Task

    try:
        network, card = load_network(checkpoint)
        tasks = tuple(Task.from_dict(task) for task in card["tasks"])
        sets = [read_manifest(path).split(split) for path in manifest]
        columns = [{task.name: label_shares(rows, task) for task in tasks} for rows in sets]
        if mirror and card["preprocessing"].get("size") is None:
            raise ValueError(f"{checkpoint}: its network reads feature vectors; --mirror needs one that reads pictures")
        raw = predictor_of(Mirrored(network, tasks) if mirror else network, tasks, raw=True)
        calibration, source = fit(tasks, [predict(raw, tasks, rows).outputs for rows in sets], columns, prior)
    except (CheckpointError, ManifestError, ValueError, OSError) as error:
        fail(str(error), 2)
    calibration = replace(calibration, mirror=mirror)
    if not source:
        fail(f"no split {split} of {', '.join(map(str, manifest))} has labels of this network", 2)
    metadata = {"manifests": list(map(str, manifest)), "split": split, "prior": prior, "source": source}
    place = (find(checkpoint) or checkpoint) / CALIBRATION
    place.write_text(json.dumps({**calibration.to_dict(), **metadata}, indent=1) + "\n")
    rows_shown = [
        [label, f"{calibration.scale[task.name][at]:.3f}", f"{calibration.offset[task.name][at]:+.3f}",
         f"{calibration.thresholds[label]:.3f}" if label in calibration.thresholds else "", str(manifest[source[label]])]
        for task in tasks if task.name in calibration.scale
        for at, label in enumerate(task.labels) if label in source
    ]  # fmt: skip
    print_table(["label", "scale", "offset", "threshold", "fitted by"], rows_shown)
    print(f"calibration: {place}")
