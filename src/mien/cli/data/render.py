"""``mien data render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import REPEAT, CoreWorkers, DataFolder, Overwrite, Seed
from mien.cli.terminal import needs_extra, progress, refusals, refuse_existing
from mien.spelling import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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
    au: Annotated[
        list[str] | None,
        typer.Option(metavar="AU=INTENSITY", help=f"Show this action unit in every picture, such as AU12=3. {REPEAT}"),
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(metavar="AU", help="Raise the intensity of this action unit from 0 to 5.")
    ] = None,
    show: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help=f"Show this expression or compound; `mien tasks` lists them. {REPEAT}"),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="KEY=VALUE",
            help="Set yaw, pitch, roll, tone or distance (a number or LOW:HIGH), light, background, levels, "
            f"persons_seed, threshold, size or samples. {REPEAT}",
        ),
    ] = None,
    pose: Annotated[float, typer.Option(min=0, max=60, metavar="DEGREES", help="Largest yaw drawn at random.")] = 40.0,
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

        given = _properties(properties or ())
        scene = {key: value for key, value in given.items() if key not in PICTURE}
        choices = Choices(
            tuple(person or ()), units=_pairs("--au", au), sweep=sweep, classes=tuple(show or ()), **scene
        )
        kinds = _pairs("--kind", kind, 1) or tuple(KINDS.items())
        picture = {key: value for key, value in given.items() if key in PICTURE}
        settings = RenderSettings(seed, identities, validation, kinds, pose, jitter=jitter, choices=choices, **picture)
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


def _properties(words: Sequence[str]) -> dict[str, Any]:
    """Parse the words of ``--property`` by the type of their key."""
    given: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in PROPERTIES:
            raise ValueError(f"--property {word}: unknown property {key}{did_you_mean(key, PROPERTIES)}")
        try:
            given[key] = PROPERTIES[key](value)
        except ValueError:
            raise ValueError(f"--property {word}: expected {EXPECTED[PROPERTIES[key]]}") from None
    return given


def _range(text: str) -> tuple[float, float]:
    """Parse ``-20:20`` as a pair, and ``15`` as the same number twice."""
    low, colon, high = text.partition(":")
    return float(low), float(high if colon else low)


PROPERTIES: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("yaw", "pitch", "roll", "tone", "distance"), _range),
    **dict.fromkeys(("light", "background"), str),
    **dict.fromkeys(("levels", "persons_seed", "size", "samples"), int),
    "threshold": float,
}
"""Keys of ``--property``, and how their values are parsed."""

PICTURE = ("threshold", "size", "samples")
"""Those that belong to :class:`mien.learn.data.render.draw.RenderSettings`; the others are choices of the scene."""

EXPECTED = {_range: "a number, or two as LOW:HIGH", int: "a whole number", float: "a number"}
