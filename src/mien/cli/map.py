"""``mien map``. PyTorch is imported inside the command only."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mien.cli.curves import continuous_task
from mien.cli.options import Checkpoint, Group, Manifest, Overwrite, Picture, Seed, Split, Task
from mien.cli.terminal import needs_extra, refusals, refuse_existing


def map_(
    checkpoint: Checkpoint,
    manifest: Manifest,
    target: Picture,
    split: Split = "test",
    task: Task = "affect",
    group: Group = "subject",
    umap: Annotated[bool, typer.Option("--umap", help="Use UMAP instead of t-SNE; needs the extra umap.")] = False,
    most: Annotated[int, typer.Option(min=5, metavar="N", help="Draw at most N faces, chosen at random.")] = 3000,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Draw a map of a network's features, coloured by emotion and by person.

    The title of the map by person reports how accurately a linear probe identifies the persons.

    Example:
      mien map runs/caf/best build/renders map.png --split valid
    """
    with needs_extra():
        from mien.learn.chart_style import check
        from mien.learn.checkpoint import load_network
        from mien.learn.data.manifest import read_manifest
        from mien.learn.features.identity_probe import features_of
        from mien.learn.plots.embedding_map import by_intensity, draw, project

    with refusals(), needs_extra("umap"):
        check(target)
        refuse_existing(target, overwrite=overwrite)
        rows = _some(read_manifest(manifest).split(split), most, seed)
        known = group in rows.table.column_names
        features, persons = features_of(load_network(checkpoint)[0], rows, group if known else None)
        panels = [by_intensity(rows.column(continuous_task(rows, task)))] if _labelled(rows, task) else []
        panels += [_persons(features, persons, seed)] if known else []
        if not panels:
            raise ValueError(f"{rows.path}: has neither labels of {task} nor a column {group} to colour a map by")
        places = project(features, "umap" if umap else "tsne", seed)
        title = f"{len(rows)} faces of {rows.path.parent.name}, {split}, by {'UMAP' if umap else 't-SNE'}"
        draw(places, panels, title, target)
    print(f"{len(rows)} faces: {target}")


def _persons(features: Any, persons: list[str | None], seed: int) -> Any:
    """The panel of persons, with the accuracy of the probe in its title."""
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
    """All rows of a manifest, or a random sample of this many, in their order."""
    from dataclasses import replace

    import numpy as np

    if len(rows) <= most:
        return rows
    return replace(rows, table=rows.table.take(np.sort(np.random.default_rng(seed).permutation(len(rows))[:most])))


def _labelled(rows: Any, task: str) -> bool:
    """Whether any row of a manifest has all labels of a continuous task."""
    import numpy as np

    found = next((each for each in rows.tasks if each.name == task), None)
    return found is not None and not np.isnan(rows.column(found)).any(1).all()
