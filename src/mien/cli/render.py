"""The command ``mien data render``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.terminal import needs_extra, progress, refusals


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
    person: Annotated[
        list[int] | None, typer.Option(min=0, metavar="NUMBER", help="Show this person alone; repeat the option.")
    ] = None,
    persons_seed: Annotated[int | None, typer.Option(min=0, help="Of the persons; by default --seed.")] = None,
    au: Annotated[
        list[str] | None,
        typer.Option(metavar="AU=INTENSITY", help="Every picture shows this, such as AU12=3; repeat the option."),
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="AU", help="Its intensity runs from 0 to 5, from picture to picture.")
    ] = None,
    levels: Annotated[int, typer.Option(min=2, help="Intensities in a sweep.")] = 6,
    show: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help="An expression or a compound of `mien tasks`; repeat the option."),
    ] = None,
    yaw: Annotated[str | None, typer.Option(metavar="LOW:HIGH", help="Degrees; one number is fixed.")] = None,
    pitch: Annotated[str | None, typer.Option(metavar="LOW:HIGH", help="Degrees.")] = None,
    roll: Annotated[str | None, typer.Option(metavar="LOW:HIGH", help="Degrees.")] = None,
    light: Annotated[
        str | None, typer.Option(metavar="NAME", help="even, front, left, right, above, below, behind.")
    ] = None,
    tone: Annotated[str | None, typer.Option(metavar="LOW:HIGH", help="Of the skin: 0 light, 1 dark.")] = None,
    distance: Annotated[str | None, typer.Option(metavar="LOW:HIGH", help="Of the camera, in cm.")] = None,
    background: Annotated[str | None, typer.Option(metavar="COLOUR", help="Such as grey or #203040.")] = None,
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
        from mien.learn.data.render.choices import Choices
        from mien.learn.data.render.draw import KINDS, Settings
        from mien.learn.data.render.generate import render as make

        shares = tuple(_pair("--kind", text, 1) for text in kind) if kind else tuple(KINDS.items())
        choices = Choices(
            persons=tuple(person or ()),
            persons_seed=persons_seed,
            units=tuple(_pair("--au", text) for text in au or ()),
            sweep=sweep,
            levels=levels,
            classes=tuple(show or ()),
            yaw=_range("--yaw", yaw),
            pitch=_range("--pitch", pitch),
            roll=_range("--roll", roll),
            light=light,
            tone=_range("--tone", tone),
            distance=_range("--distance", distance),
            background=background,
        )
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
            choices=choices,
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


def _pair(option: str, text: str, default: float | None = None) -> tuple[str, float]:
    """``single=2`` as a pair."""
    name, equals, value = text.partition("=")
    if not equals and default is not None:
        return name, default
    try:
        return name, float(value)
    except ValueError:
        raise ValueError(f"{option} {text}: {value!r} is not a number") from None


def _range(option: str, text: str | None) -> tuple[float, float] | None:
    """``-20:20`` as a pair; ``15`` as twice the same."""
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        return float(low), float(high if colon else low)
    except ValueError:
        raise ValueError(f"{option} {text}: expected a number, or two as LOW:HIGH") from None
