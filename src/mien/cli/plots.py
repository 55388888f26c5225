"""The commands ``mien curves`` and ``mien map``: parse, call, print. PyTorch is imported inside the commands only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.terminal import needs_extra, refusals

Network = Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A checkpoint folder.")]
Rows = Annotated[Path, typer.Option(help="A manifest, or the folder that holds it.")]
Split = Annotated[str, typer.Option(help="Which of its rows.")]
Out = Annotated[Path, typer.Option(metavar="FILE", help="The .png file to write.")]
TaskName = Annotated[str, typer.Option("--task", metavar="TASK", help="The task of continuous values.")]


def curves(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="A checkpoint folder or an exported .onnx file.")],
    manifest: Rows,
    out: Out,
    split: Split = "test",
    task: TaskName = "affect",
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Says which video a row is of; `video` if there is one.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Videos that are drawn, those with the most frames.")] = 4,
    ranked: Annotated[bool, typer.Option("--ranked", help="Rows are no video: draw them by their true value.")] = False,
) -> None:
    """Draw predicted and true valence and arousal over the frames of each video.

    Frames are ordered by the column `frame`, or as they come.
    """
    with needs_extra():
        from mien.learn.chart_style import check
        from mien.learn.data.manifest.manifest import read_manifest
        from mien.learn.plots.curves import curves as divide
        from mien.learn.plots.curves import draw
        from mien.learn.train.teachers import label

    with refusals():
        check(out)
        rows = read_manifest(manifest).split(split)
        judged = _continuous(rows, task)
        found = divide(label(rows, [judged], [network])[task], rows.column(judged), rows, group=group)
        draw(found, judged, out, most=most, ranked=ranked)
    print(f"{len(found)} videos, {len(rows)} frames: {out}" if found[0].name else f"{len(rows)} rows: {out}")


def feature_map(
    checkpoint: Network,
    manifest: Rows,
    out: Out,
    split: Split = "test",
    task: TaskName = "affect",
    column: Annotated[str, typer.Option(metavar="COLUMN", help="Says who it is.")] = "subject",
    umap: Annotated[bool, typer.Option("--umap", help="UMAP instead of t-SNE; needs the extra umap.")] = False,
    most: Annotated[int, typer.Option(min=5, help="Faces that are drawn; of more, a random choice.")] = 3000,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice, the map and the probe.")] = 0,
) -> None:
    """Draw a map of a network's features: weak and strong emotions, and persons.

    Above the persons stands how well a linear probe tells them apart.
    """
    with needs_extra():
        from mien.learn.chart_style import check
        from mien.learn.checkpoint import load_network
        from mien.learn.data.manifest.manifest import read_manifest
        from mien.learn.features.identity_probe import features_of
        from mien.learn.plots.embedding_map import by_intensity, draw, project

    with refusals(), needs_extra("umap"):
        check(out)
        rows = _some(read_manifest(manifest).split(split), most, seed)
        known = column in rows.table.column_names
        features, persons = features_of(load_network(checkpoint)[0], rows, column if known else None)
        panels = [by_intensity(rows.column(_continuous(rows, task)))] if _labelled(rows, task) else []
        panels += [_persons(features, persons, seed)] if known else []
        if not panels:
            raise ValueError(f"{rows.path}: has neither labels of {task} nor a column {column} to colour a map by")
        places = project(features, "umap" if umap else "tsne", seed)
        head = f"{len(rows)} faces of {rows.path.parent.name}, {split}, by {'UMAP' if umap else 't-SNE'}"
        draw(places, panels, head, out)
    print(f"{len(rows)} faces: {out}")


def _persons(features: Any, persons: list[str | None], seed: int) -> Any:
    """The colouring by persons, with what the probe reads in its title."""
    from dataclasses import replace

    from mien.learn.features.identity_probe import identity_probe
    from mien.learn.plots.embedding_map import by_person

    shown, found = by_person(persons), identity_probe(features, persons, seed)
    if "accuracy" not in found:
        return shown
    return replace(
        shown, title=f"{shown.title}; probe {100 * found['accuracy']:.1f} % (chance {100 * found['chance']:.1f} %)"
    )


def _some(rows: Any, most: int, seed: int) -> Any:
    """All rows of a manifest, or so many of them, in their order."""
    from dataclasses import replace

    import numpy as np

    if len(rows) <= most:
        return rows
    return replace(rows, table=rows.table.take(np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])))


def _labelled(rows: Any, task: str) -> bool:
    """Whether a manifest has any row with all labels of a task of continuous values."""
    import numpy as np

    found = next((each for each in rows.tasks if each.name == task), None)
    return found is not None and not np.isnan(rows.column(found)).any(1).all()


def _continuous(rows: Any, name: str) -> Any:
    """A manifest's task of this name; ValueError if it has none, or one of another kind."""
    from mien.spelling import did_you_mean
    from mien.tasks import Kind

    own = {each.name: each for each in rows.tasks if each.kind is Kind.CONTINUOUS}
    if name not in own:
        raise ValueError(f"{rows.path}: has no task {name} of continuous values{did_you_mean(name, own)}")
    return own[name]
