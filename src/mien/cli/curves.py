"""``mien curves``. PyTorch is imported inside the command only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import Manifest, Network, Overwrite, Picture, Split, Task, group_option
from mien.cli.terminal import needs_extra, refusals, refuse_existing

if TYPE_CHECKING:
    from mien.learn.data.manifest import Manifest as OpenManifest
    from mien.tasks import Task as LabelTask


def curves(
    network: Network,
    manifest: Manifest,
    target: Picture,
    split: Split = "test",
    task: Task = "affect",
    group: Annotated[str | None, group_option("video, if there is one")] = None,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Draw the N videos with the most frames.")] = 4,
    ranked: Annotated[
        bool, typer.Option("--ranked", help="Order the rows by their true value instead of by frame.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Draw predicted and true valence and arousal over the frames of videos.

    Frames are ordered by the column `frame` or, without it, as in the manifest.

    Example:
      mien curves runs/caf/best build/videos curves.png
    """
    with needs_extra():
        from pathlib import Path

        from mien.learn.chart_style import check
        from mien.learn.data.manifest import read_manifest
        from mien.learn.plots.curves import curves as divide
        from mien.learn.plots.curves import draw
        from mien.learn.train.setup.teachers import predict_labels

    with refusals():
        check(target)
        refuse_existing(target, overwrite=overwrite)
        rows = read_manifest(manifest).split(split)
        space = continuous_task(rows, task)
        found = divide(predict_labels(rows, [space], [Path(network)])[task], rows.column(space), rows, group=group)
        draw(found, space, target, most=most, ranked=ranked)
    count = f"{len(found)} videos, {len(rows)} frames" if found[0].name else f"{len(rows)} rows"
    print(f"{count}: {target}")


def continuous_task(rows: OpenManifest, name: str) -> LabelTask:
    """The manifest's task of this name.

    Raises:
        ValueError: if there is none, or its labels are not continuous.
    """
    from mien.spelling import did_you_mean
    from mien.tasks import Kind

    own = {each.name: each for each in rows.tasks if each.kind is Kind.CONTINUOUS}
    if name not in own:
        raise ValueError(f"{rows.path}: has no task {name} of continuous values{did_you_mean(name, own)}")
    return own[name]
