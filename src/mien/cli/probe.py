"""``mien probe``. PyTorch is imported inside the command only."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import REPEAT, JsonOut, Manifest, Overwrite, Seed, Split, Task, TrainSplit
from mien.cli.terminal import needs_extra, print_table, refusals, refuse_existing, write_json

if TYPE_CHECKING:
    from torch import nn

    from mien.learn.data.manifest import Manifest as OpenManifest
    from mien.learn.features.few_shot import Labelled, ProbeResult
    from mien.tasks import Task as LabelTask


def probe(
    networks: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[NETWORK]", help="A checkpoint folder; omit it if MANIFEST is from `mien features`."),
    ] = None,
    *,
    manifest: Manifest,
    task: Task,
    train_split: TrainSplit = "train",
    split: Split = "test",
    shots: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            metavar="N",
            help=f"Learn from N rows of each class (of other tasks: N rows). {REPEAT}",
            show_default="all rows",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, metavar="N", help="Draw the shots this many times.")] = 10,
    knn: Annotated[int, typer.Option(min=1, metavar="N", help="Number of neighbours that vote.")] = 5,
    seed: Seed = 0,
    out: JsonOut = None,
    overwrite: Overwrite = False,
) -> None:
    """Predict labels from the frozen features of a network.

    A linear probe is compared with nearest neighbours. With --shots, they learn from few rows, which are drawn
    repeatedly; the intervals are 95 % intervals over the draws.

    Example:
      mien probe runs/own/best build/own --task expression --shots 1 --shots 5
    """
    with needs_extra():
        from mien.learn.features.few_shot import probe as read

    with refusals():
        refuse_existing(out, overwrite=overwrite)
        network = _only(networks or [], manifest)
        learnt, scored, space = _open(network, manifest, task, (train_split, split))
        readings = read(learnt, scored, space, shots=shots or [None], repeats=repeats, neighbours=knn, seed=seed)
        print_table(*_table(readings))
        if out:
            settings = {"train_split": train_split, "split": split, "repeats": repeats, "knn": knn, "seed": seed}
            names = {"network": network and str(network), "manifest": str(manifest), "task": space.to_dict()}
            write_json(out, {**names, **settings, "readings": [asdict(each) for each in readings]})
            print(f"results: {out}")


def _only(networks: list[Path], manifest: Path) -> Path | None:
    if len(networks) > 1:
        given = " ".join(map(str, [*networks, manifest]))
        raise ValueError(f"mien probe takes one NETWORK and one MANIFEST; given: {given}")
    return networks[0] if networks else None


def _open(
    source: Path | None, manifest: Path, name: str, splits: tuple[str, str]
) -> tuple[Labelled, Labelled, LabelTask]:
    """The features and labels of the rows to learn from and of the rows to score, and the task."""
    from mien.learn.checkpoint import load_network
    from mien.learn.data.manifest import read_manifest
    from mien.learn.features.few_shot import Labelled
    from mien.spelling import did_you_mean

    network = load_network(source)[0] if source is not None else None
    _refuse_checkpoint(manifest)
    rows = read_manifest(manifest)
    if network is None and len(rows.shape) > 1:
        raise ValueError(f"{rows.path}: holds pictures, not features; give the NETWORK that reads them first")
    own = {task.name: task for task in rows.tasks}
    if name not in own:
        raise ValueError(f"{rows.path}: has no task {name}{did_you_mean(name, own)}")
    parts = [rows.split(split) for split in splits]
    if len(set(splits)) == 1:
        raise ValueError(f"split {splits[0]}: the rows to learn from cannot also be scored; choose another split")
    learnt, scored = (Labelled(_features(network, part), part.column(own[name], hard=True)) for part in parts)
    return learnt, scored, own[name]


def _refuse_checkpoint(manifest: Path) -> None:
    """Report what is missing if a checkpoint is the only argument."""
    from mien.learn.checkpoint import CARD, find

    if ((find(manifest) or manifest) / CARD).exists():
        raise ValueError(f"{manifest}: is a checkpoint; give the MANIFEST of its pictures after it")


def _features(network: nn.Module | None, rows: OpenManifest) -> Any:
    """The network's features of the rows; without a network, the features that the manifest itself holds."""
    import numpy as np

    from mien.learn.features.identity_probe import features_of

    return rows.images(np.arange(len(rows))) if network is None else features_of(network, rows, None)[0]


def _table(readings: list[ProbeResult]) -> tuple[list[str], list[list[str]]]:
    """One line per reader and number of shots."""
    names = list(readings[0].metrics)
    lines = [
        [each.method, "all" if each.shots is None else str(each.shots), *(_shown(each.metrics[name]) for name in names)]
        for each in readings
    ]
    return ["method", "shots", *names], lines


def _shown(metric: Any) -> str:
    """The mean, and the interval in brackets if there are several draws."""
    mean = f"{metric.mean:.4f}"
    return mean if metric.low is None else f"{mean} [{metric.low:.4f}, {metric.high:.4f}]"
