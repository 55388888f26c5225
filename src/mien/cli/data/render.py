"""``mien data render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import REPEAT, CoreWorkers, DataFolder, Overwrite, Seed
from mien.cli.terminal import needs_extra, progress, refusals, refuse_existing

if TYPE_CHECKING:
    from collections.abc import Sequence

RANGE = "LOW:HIGH"


def render(
    model: Annotated[
        Path,
        typer.Argument(metavar="ICT_FACEKIT", help="The folder of ICT-FaceKit Light: its release, or the .npz file."),
    ],
    folder: DataFolder,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Number of pictures.")] = 1000,
    identities: Annotated[int, typer.Option(min=1, metavar="N", help="Number of people.")] = 200,
    validation: Annotated[
        float, typer.Option(min=0, max=0.9, metavar="SHARE", help="Share of the people that go into split valid.")
    ] = 0.2,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=SHARE", help=f"Render neutral, single, expression, compound or random faces. {REPEAT}"
        ),
    ] = None,
    person: Annotated[
        list[int] | None, typer.Option(min=0, metavar="NUMBER", help=f"Render only this person. {REPEAT}")
    ] = None,
    persons_seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Seed of the people.", show_default="same as --seed")
    ] = None,
    au: Annotated[
        list[str] | None,
        typer.Option(metavar="AU=INTENSITY", help=f"Show this action unit in every picture, such as AU12=3. {REPEAT}"),
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="AU", help="Raise the intensity of this action unit from 0 to 5.")
    ] = None,
    levels: Annotated[int, typer.Option(min=2, metavar="N", help="Number of intensities in a sweep.")] = 6,
    show: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help=f"Show this expression or compound; `mien tasks` lists them. {REPEAT}"),
    ] = None,
    pose: Annotated[float, typer.Option(min=0, max=60, metavar="DEGREES", help="Largest yaw drawn at random.")] = 40.0,
    yaw: Annotated[str | None, typer.Option(metavar=RANGE, help="Yaw in degrees, a range or one angle.")] = None,
    pitch: Annotated[str | None, typer.Option(metavar=RANGE, help="Pitch in degrees, a range or one angle.")] = None,
    roll: Annotated[str | None, typer.Option(metavar=RANGE, help="Roll in degrees, a range or one angle.")] = None,
    light: Annotated[
        str | None, typer.Option(metavar="NAME", help="Light: even, front, left, right, above, below or behind.")
    ] = None,
    tone: Annotated[str | None, typer.Option(metavar=RANGE, help="Skin tone from 0 (light) to 1 (dark).")] = None,
    distance: Annotated[str | None, typer.Option(metavar=RANGE, help="Distance of the camera in cm.")] = None,
    background: Annotated[
        str | None, typer.Option(metavar="COLOUR", help="Colour behind the face, such as grey or #203040.")
    ] = None,
    threshold: Annotated[
        float, typer.Option(metavar="INTENSITY", help="Intensity from which an action unit counts as present.")
    ] = 1.0,
    size: Annotated[int, typer.Option(min=64, max=1024, metavar="PIXELS", help="Side of the whole pictures.")] = 128,
    samples: Annotated[
        int, typer.Option(metavar="N", help="Light samples per pixel, a square number; more means less grain.")
    ] = 16,
    jitter: Annotated[
        float,
        typer.Option(
            min=0, metavar="PIXELS", help="Standard deviation of the error of the landmarks, in pixels of the crop."
        ),
    ] = 0.0,
    expression: Annotated[
        bool, typer.Option("--expression/--no-expression", help="Write or omit the column expression.")
    ] = True,
    pictures: Annotated[bool, typer.Option("--pictures", help="Keep the whole pictures too.")] = False,
    seed: Seed = 0,
    workers: CoreWorkers = None,
    overwrite: Overwrite = False,
) -> None:
    """Render faces with exactly known action units.

    To continue an interrupted run, run the same command again. Everything you do not set is drawn at random.

    Example:
      mien data render ICT-FaceKit build/renders --count 3000 --seed 8
    """
    with needs_extra("train,render"), refusals():
        from mien.learn.data.render.choices import Choices
        from mien.learn.data.render.draw import KINDS, RenderSettings
        from mien.learn.data.render.generate import render as make

        choices = Choices(
            tuple(person or ()), persons_seed, _pairs("--au", au), sweep, levels, tuple(show or ()),
            _range("--yaw", yaw), _range("--pitch", pitch), _range("--roll", roll), light, _range("--tone", tone),
            _range("--distance", distance), background,
        )  # fmt: skip
        kinds = _pairs("--kind", kind, 1) or tuple(KINDS.items())
        settings = RenderSettings(seed, identities, validation, kinds, pose, threshold, size, samples, jitter, choices)
        if _complete(folder):
            from mien.learn.data.manifest import MANIFEST

            refuse_existing(folder / MANIFEST, overwrite=overwrite)
        with progress("rendering", count) as advance:
            make(
                model, folder, count, settings,
                expressions=expression, pictures=pictures, workers=workers, advance=advance,
            )  # fmt: skip
    print(f"{count} faces in {folder}")


def _complete(folder: Path) -> bool:
    """Whether the folder holds a finished set, and no unfinished one."""
    from mien.learn.data.manifest import MANIFEST
    from mien.learn.data.render.generate import PLAN

    return (folder / MANIFEST).exists() and not (folder / PLAN).exists()


def _pairs(option: str, words: Sequence[str] | None, default: float | None = None) -> tuple[tuple[str, float], ...]:
    """Parse ``single=2`` as a pair; a word without a number gets the default, if there is one."""
    return tuple(_pair(option, word, default) for word in words or ())


def _pair(option: str, text: str, default: float | None) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    if not equals and default is not None:
        return name, default
    try:
        return name, float(value)
    except ValueError:
        raise ValueError(f"{option} {text}: {value!r} is not a number") from None


def _range(option: str, text: str | None) -> tuple[float, float] | None:
    """Parse ``-20:20`` as a pair, and ``15`` as the same number twice."""
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        return float(low), float(high if colon else low)
    except ValueError:
        raise ValueError(f"{option} {text}: expected a number, or two as LOW:HIGH") from None
