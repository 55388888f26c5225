"""``mien annotate``: parses the options, checks that they go together, and picks pictures, one video or a folder."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import Overwrite, Quiet, Workers, out_option
from mien.cli.terminal import fail, refusals
from mien.interrupts import heard_endings

if TYPE_CHECKING:
    from mien.annotate.inputs import Source
    from mien.annotate.shared_options import SharedOptions

OUT, FOLDER = "annotations.parquet", "annotations"

SECONDS = "SECONDS"


@dataclass(frozen=True)
class Request:
    """What to annotate and what to write, apart from the settings for reading faces.

    Args:
        inputs: pictures, videos, folders, globs, or ``-``.
        source: a stream, a camera or a sequence of pictures, instead of inputs.
        out: the table or folder; None for the default.
        overlay: where to draw.
        as_manifest: folder for a manifest of the faces.
        table: format of the tables in a folder.
        workers: number of videos at a time.
        quiet: whether only errors are printed.
    """

    inputs: Sequence[str]
    source: str | None
    out: str | None
    overlay: Path | None
    as_manifest: Path | None
    table: str | None
    workers: int
    quiet: bool


def annotate(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT...", help="Pictures, videos, folders or globs; - reads a list from stdin."),
    ] = None,
    out: Annotated[
        str | None,
        out_option(
            "Write the table to this file: .parquet, .csv or .jsonl; - writes CSV to stdout (pictures only). For "
            "several videos, a folder for their tables.",
            default=f"{OUT}; for several videos {FOLDER}",
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Draw the faces: into a folder for pictures or several videos, as .mp4 for one video."
        ),
    ] = None,
    as_manifest: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write the faces as a manifest, labelled with the predictions."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="NETWORK",
            help="An exported .onnx file, or a bundled network: default, tiny.",
            show_default="default",
        ),
    ] = None,
    min_size: Annotated[
        int, typer.Option(min=1, metavar="PIXELS", help="Skip faces whose shorter side is below this size.")
    ] = 16,
    batch_size: Annotated[int, typer.Option(min=1, metavar="N", help="Number of faces per batch.")] = 32,
    threads: Annotated[
        int, typer.Option(min=0, metavar="N", help="Number of threads per network; 0 adapts to the number of cores.")
    ] = 0,
    compounds: Annotated[
        str | None,
        typer.Option(
            metavar="SET", help="Add compound expressions: raf_db, emotionet, du_2014 or a .yaml file of your own."
        ),
    ] = None,
    compound_units: Annotated[
        str,
        typer.Option(
            metavar="WEIGHTS", help="Action unit weights of --compounds: fractions, equal, prototypical, union or mean."
        ),
    ] = "fractions",
    source: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Read a stream, a camera (/dev/video0) or a sequence of pictures as a video."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Sample every N-th frame of a video.")] = 1,
    fps: Annotated[float | None, typer.Option(metavar="N", help="Sample at most N frames per second.")] = None,
    start: Annotated[float | None, typer.Option(metavar=SECONDS, help="Start at this time of a video.")] = None,
    end: Annotated[float | None, typer.Option(metavar=SECONDS, help="Stop at this time of a video.")] = None,
    quality: Annotated[
        str, typer.Option(metavar="NAME", help="How often the whole frame is searched: best, balanced or fast.")
    ] = "balanced",
    max_faces: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Keep the N largest faces of each frame of a video.")
    ] = None,
    smooth: Annotated[
        int,
        typer.Option(min=0, metavar="FRAMES", help="Add smoothed columns: the median over this odd number of frames."),
    ] = 0,
    smooth_seconds: Annotated[
        float | None,
        typer.Option(metavar=SECONDS, help="Also smooth with an exponential filter of this time constant."),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(metavar="NAME", help="Write the columns of another tool, as CSV: openface or py-feat.")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="Format of the tables in a folder: parquet, csv or jsonl.",
            show_default="parquet",
        ),
    ] = None,
    workers: Workers = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Continue interrupted videos; skip finished ones.")] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Read every face in pictures and videos into a table.

    Several videos get one table each, in a folder. Exit status: 0 if all inputs were read, 1 if an input failed, 2 if
    nothing could be started, 130 after Ctrl-C.

    Example:
      mien annotate photos --out faces.csv --overlay overlays
    """
    request = Request(inputs or [], source, out, overlay, as_manifest, table, workers, quiet)
    frames: dict[str, Any] = {
        "every": every,
        "fps": fps,
        "start": start,
        "end": end,
        "quality": quality,
        "max_faces": max_faces,
    }
    later = {"smooth": smooth, "smooth_seconds": smooth_seconds, "layout": layout, "resume": resume}
    sources = _sources(request)
    _check(request, sources, compounds, compound_units, overwrite, **frames, **later)
    with refusals():
        from mien.annotate.options import VideoOptions
        from mien.annotate.shared_options import SharedOptions
        from mien.compound_sets import load

        shared = SharedOptions(
            model, min_size, batch_size, threads, load(compounds, compound_units) if compounds else None,
            VideoOptions(**frames), smooth, smooth_seconds, layout, overwrite, resume,
        )  # fmt: skip
    for ending in heard_endings():
        signal.signal(ending, signal.default_int_handler)  # like Ctrl-C: the table is completed
    raise typer.Exit(_run(request, sources, shared))


def _sources(request: Request) -> list[Source]:
    """All pictures and videos."""
    from mien.annotate.inputs import Source, expand

    if bool(request.inputs) == (request.source is not None):
        fail("give either an INPUT or a --source", 2)
    if request.source is not None:
        return [Source(request.source, request.source, video=True)]
    sources = list(expand(request.inputs, distinct=True))
    if not sources:
        fail("nothing to read: the list of inputs is empty", 2)
    return sources


def _check(
    request: Request,
    sources: Sequence[Source],
    compounds: str | None,
    compound_units: str,
    overwrite: bool,
    **of_videos: Any,
) -> None:
    """Refuse options that cannot be combined with each other or with these inputs."""
    usual = {"every": 1, "quality": "balanced", "workers": 1, "smooth": 0, "resume": False}
    given = {**of_videos, "format": request.table, "workers": request.workers}
    changed = [f"--{name.replace('_', '-')}" for name, value in given.items() if value != usual.get(name)]
    videos = any(source.video for source in sources)
    if not videos and changed:
        fail(f"{', '.join(changed)}: for videos only, but there is none among the inputs", 2)
    if videos and request.as_manifest:
        fail("--as-manifest: for pictures only; use `mien data prepare` for faces of videos", 2)
    if compound_units != "fractions" and not compounds:
        fail("--compound-units: needs --compounds", 2)
    if of_videos["resume"] and overwrite:
        fail("--resume continues and --overwrite starts over: give one of them", 2)


def _run(request: Request, sources: Sequence[Source], shared: SharedOptions) -> int:
    """Annotate into one table, or into a folder of tables; returns the exit status."""
    from mien.cli.annotate.pictures import annotate_pictures

    videos = any(source.video for source in sources)
    with refusals():
        annotator = shared.annotator() if videos else shared.for_pictures()
    if not videos:
        return annotate_pictures(
            annotator,
            sources,
            OUT if request.out is None else request.out,
            overlay=request.overlay,
            as_manifest=request.as_manifest,
            overwrite=shared.overwrite,
            quiet=request.quiet,
        )
    from mien.cli.annotate.folder import annotate_folder  # these need PyAV
    from mien.cli.annotate.video import annotate_one

    if _is_one_table(request, len(sources)):
        place = OUT if request.out is None else request.out
        return annotate_one(annotator, sources[0], place, request.overlay, shared, request.quiet)
    folder = Path(FOLDER if request.out is None else request.out)
    return annotate_folder(
        annotator, sources, folder, request.overlay, request.table, shared, request.workers, request.quiet
    )


def _is_one_table(request: Request, count: int) -> bool:
    """Whether a single video goes to a file; a folder with one video becomes a folder, unless a file is asked for."""
    if request.out is not None:
        return count == 1 and (request.out in ("", "-") or bool(Path(request.out).suffix))
    folder = bool(request.inputs) and os.path.isdir(request.inputs[0])  # noqa: PTH112 (pathlib raises for a long name)
    return count == 1 and not folder
