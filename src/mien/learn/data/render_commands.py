"""The command ``mien data render``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.terminal import needs_extra, progress, refusals


def render(
    model: Annotated[
        Path, typer.Argument(metavar="ICT_FACEKIT_DIR", help="Folder of ICT-FaceKit Light: its release, or the .npz.")
    ],
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for manifest.parquet and crops.npy.")],
    count: Annotated[int, typer.Option(min=1, help="Number of pictures.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Picture i of a seed is always the same.")] = 0,
    identities: Annotated[int, typer.Option(min=1, help="Number of persons.")] = 200,
    validation: Annotated[float, typer.Option(min=0, max=0.9, help="Share of the persons in the split valid.")] = 0.2,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=SHARE", help="neutral, single, expression, compound, random; repeat the option."),
    ] = None,
    pose: Annotated[float, typer.Option(min=0, max=60, help="Largest yaw in degrees.")] = 40.0,
    threshold: Annotated[float, typer.Option(help="Intensity (0 to 5) from which an AU counts as present.")] = 1.0,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Side of the whole pictures in pixels.")] = 128,
    samples: Annotated[int, typer.Option(help="Samples of light a pixel, a square number: more are less grainy.")] = 16,
    jitter: Annotated[float, typer.Option(min=0, help="Error of the landmarks in pixels of the crop.")] = 0.0,
    expression: Annotated[
        bool, typer.Option("--expression/--no-expression", help="Whether to write the column expression.")
    ] = True,
    affect: Annotated[
        bool, typer.Option("--affect/--no-affect", help="Whether to write weak valence and arousal.")
    ] = True,
    pictures: Annotated[bool, typer.Option("--pictures", help="Keep the whole pictures, too.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
) -> None:
    """Faces with exact action units: renders of ICT-FaceKit Light.

    What was cut short goes on where it was if the command is given again.
    """
    with needs_extra("train,render"), refusals():
        from mien.learn.data.render.draw import KINDS, Settings
        from mien.learn.data.render.generate import render as make

        shares = tuple(map(_share, kind)) if kind else tuple(KINDS.items())
        settings = Settings(
            seed=seed,
            identities=identities,
            validation=validation,
            kinds=shares,
            pose=pose,
            threshold=threshold,
            size=size,
            samples=samples,
            jitter=jitter,
        )
        with progress("rendering", count) as advance:
            make(
                model,
                out,
                count,
                settings,
                expressions=expression,
                affect=affect,
                pictures=pictures,
                workers=workers,
                advance=advance,
            )
    print(f"{count} faces in {out}")


def _share(text: str) -> tuple[str, float]:
    """``single=2`` as a pair."""
    name, _, share = text.partition("=")
    try:
        return name, float(share or 1)
    except ValueError:
        raise ValueError(f"--kind {text}: {share!r} is not a number") from None
