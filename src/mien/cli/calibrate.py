"""``mien calibrate``. PyTorch is imported inside the command only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import Checkpoint, Manifests, Overwrite, ValidSplit
from mien.cli.terminal import fail, needs_extra, print_table, refuse_existing, write_json

if TYPE_CHECKING:
    from mien.learn.export.calibration import Calibration
    from mien.tasks import Task


def calibrate(
    checkpoint: Checkpoint,
    manifests: Manifests,
    split: ValidSplit = "valid",
    prior: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Assumed class frequencies: those of the rows to this power. 1 keeps them, 0 makes all equal.",
        ),
    ] = 1.0,
    mirror: Annotated[
        bool,
        typer.Option("--mirror", help="Average over each face and its mirror image: more accurate, but twice as slow."),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Calibrate the probabilities and thresholds of a trained network.

    The result is calibration.json in the checkpoint folder; `mien export` builds it into the network. If there are
    several manifests, each label is fitted on the first one with enough rows of it.

    Example:
      mien calibrate runs/own/best build/own --prior 0.5
    """
    with needs_extra():
        from mien.learn.checkpoint import CheckpointError, find, load_network
        from mien.learn.data.manifest import ManifestError, read_manifest
        from mien.learn.evaluate.predictions import predict
        from mien.learn.evaluate.predictor import predictor_of
        from mien.learn.export.calibration import CALIBRATION, fit, label_shares
        from mien.learn.export.mirror import Mirrored
        from mien.tasks import Task

    try:
        target = (find(checkpoint) or checkpoint) / CALIBRATION
        refuse_existing(target, overwrite=overwrite)
        network, card = load_network(checkpoint)
        tasks = tuple(Task.from_dict(task) for task in card["tasks"])
        sets = [read_manifest(path).split(split) for path in manifests]
        columns = [{task.name: label_shares(rows, task) for task in tasks} for rows in sets]
        if mirror and card["preprocessing"].get("size") is None:
            raise ValueError(f"{checkpoint}: the network reads feature vectors; --mirror needs one that reads pictures")
        raw = predictor_of(Mirrored(network, tasks) if mirror else network, tasks, raw=True)
        calibration, source = fit(tasks, [predict(raw, tasks, rows).outputs for rows in sets], columns, prior)
        if not source:
            raise ValueError(f"no labels of this network in split {split} of {', '.join(map(str, manifests))}")
        calibration = replace(calibration, mirror=mirror)
        metadata = {"manifests": list(map(str, manifests)), "split": split, "prior": prior, "source": source}
        write_json(target, {**calibration.to_dict(), **metadata})
    except (CheckpointError, ManifestError, ValueError, OSError) as error:
        fail(str(error), 2)
    _print(tasks, calibration, {label: manifests[index] for label, index in source.items()})
    print(f"calibration: {target}")


def _print(tasks: Sequence[Task], calibration: Calibration, source: Mapping[str, Path]) -> None:
    """Print one line per label that was fitted."""
    rows = [
        [
            label,
            f"{calibration.scale[task.name][at]:.3f}",
            f"{calibration.offset[task.name][at]:+.3f}",
            f"{calibration.thresholds[label]:.3f}" if label in calibration.thresholds else "",
            str(source[label]),
        ]
        for task in tasks
        if task.name in calibration.scale
        for at, label in enumerate(task.labels)
        if label in source
    ]
    print_table(["label", "scale", "offset", "threshold", "fitted by"], rows)
