"""``mien relatedness ceiling``."""

from __future__ import annotations

from mien.cli.options import Attributes, Classes, JsonOut, Manifest, Overwrite, TrainSplit
from mien.cli.relatedness.arguments import class_labels_of, task_of
from mien.cli.terminal import needs_extra, print_table, refusals, refuse_existing, write_json

METRICS = ("accuracy", "f1", "mean_recall", "total_accuracy")


def ceiling(
    manifest: Manifest,
    classes: Classes,
    attributes: Attributes,
    train_split: TrainSplit = "train",
    out: JsonOut = None,
    overwrite: Overwrite = False,
) -> None:
    """Measure how well a table predicts classes and attributes from each other.

    It predicts the class from the true attributes, and the attributes from the true class, without any pictures. Where
    a network is better than this, a coupling has little to add.

    Example:
      mien relatedness ceiling build/own --classes expression --attributes action_units
    """
    with needs_extra():
        from mien.learn.data.manifest import read_manifest
        from mien.learn.evaluate.ceiling import ceiling as measure

    with refusals():
        refuse_existing(out, overwrite=overwrite)
        rows = read_manifest(manifest).split(train_split)
        first, second = task_of(rows, classes), task_of(rows, attributes)
        found = measure(first, second, class_labels_of(rows, first), rows.column(second))
        write_json(out, found)
    lines = [
        [name, *(f"{metrics[metric]:.4f}" if metric in metrics else "" for metric in METRICS)]
        for name, metrics in found.items()
    ]
    print_table(["predicted", *METRICS], lines)
