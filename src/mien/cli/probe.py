"""The command ``mien probe``: parses, calls, prints. PyTorch is imported inside the command only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.terminal import needs_extra, print_table, refusals

if TYPE_CHECKING:
    from mien.learn.data.manifest.manifest import Manifest
    from mien.learn.features.few_shot import Labelled, ProbeResult
    from mien.tasks import Task


def probe(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A checkpoint folder, or what `mien features` made.")
    ],
    task: Annotated[str, typer.Option(metavar="TASK", help="Which labels to read from the features.")],
    manifest: Annotated[
        Path | None, typer.Option(help="Of the labelled pictures, for a checkpoint; or the folder that holds it.")
    ] = None,
    train: Annotated[str, typer.Option(metavar="SPLIT", help="Which rows to learn from.")] = "train",
    split: Annotated[str, typer.Option(help="Which rows to judge by.")] = "test",
    shots: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Learn from so many rows a class (of other tasks: in all); repeat the option."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Draws of the shots.")] = 10,
    knn: Annotated[int, typer.Option(min=1, help="Neighbours that vote.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the first draw.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the figures as JSON.")] = None,
) -> None:
    """Read labels from the frozen features of a network: a linear probe and nearest neighbours.

    Without --shots from all rows; with it from a few, drawn again and again, with 95 % intervals over the draws.
    """
    with needs_extra():
        from mien.learn.features.few_shot import probe as read

    with refusals():
        sides, judged = _open(source, manifest, task, (train, split))
        readings = read(*sides, judged, shots=shots or [None], repeats=repeats, neighbours=knn, seed=seed)
        print_table(*_table(readings))
        if out:
            report: dict[str, Any] = {
                "source": str(source),
                "manifest": str(manifest or source),
                "task": judged.to_dict(),
            }
            report |= {"train": train, "split": split, "repeats": repeats, "knn": knn, "seed": seed}
            out.write_text(json.dumps({**report, "readings": list(map(_plain, readings))}, indent=1) + "\n")
            print(f"figures: {out}")


def _open(
    source: Path, manifest: Path | None, name: str, splits: tuple[str, str]
) -> tuple[tuple[Labelled, Labelled], Task]:
    """The features and labels of both splits, and the task."""
    from mien.learn.checkpoint import CARD, find, load_network
    from mien.learn.data.manifest.manifest import read_manifest
    from mien.learn.features.few_shot import Labelled
    from mien.learn.features.identity_probe import features_of
    from mien.spelling import did_you_mean

    folder = find(source) or source
    network = load_network(folder)[0] if (folder / CARD).exists() else None
    if network is not None and manifest is None:
        raise ValueError(f"{source}: is a checkpoint; --manifest says which pictures it shall look at")
    if network is None and manifest is not None:
        raise ValueError(f"{source}: is no checkpoint; what `mien features` made goes without --manifest")
    rows = read_manifest(manifest or source)
    if network is None and len(rows.shape) > 1:
        raise ValueError(f"{rows.path}: holds pictures, not features; name a checkpoint, and these with --manifest")
    own = {task.name: task for task in rows.tasks}
    if name not in own:
        raise ValueError(f"{rows.path}: has no task {name}{did_you_mean(name, own)}")
    parts = [rows.split(split) for split in splits]
    if len(set(splits)) == 1:
        raise ValueError(f"{splits[0]}: rows that are learnt from cannot judge; name another split")
    learnt, judged = (
        Labelled(
            _vectors(part) if network is None else features_of(network, part, None)[0],
            part.column(own[name], hard=True),
        )
        for part in parts
    )
    return (learnt, judged), own[name]


def _vectors(rows: Manifest) -> Any:
    """The features that a manifest holds itself."""
    import numpy as np

    return rows.images(np.arange(len(rows)))


def _table(readings: list[ProbeResult]) -> tuple[list[str], list[list[str]]]:
    """One line a method and number of shots; intervals in brackets where there are several draws."""
    names = list(readings[0].metrics)
    lines = [
        [each.method, "all" if each.shots is None else str(each.shots), *(_shown(each.metrics[name]) for name in names)]
        for each in readings
    ]
    return ["method", "shots", *names], lines


def _shown(figure: Any) -> str:
    mean = f"{figure.mean:.4f}"
    return mean if figure.low is None else f"{mean} [{figure.low:.4f}, {figure.high:.4f}]"


def _plain(reading: ProbeResult) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(reading)
