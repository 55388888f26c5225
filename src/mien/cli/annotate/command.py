"""``mien annotate``: what is pointed at, which options go with it, and which of the two ways it takes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.terminal import fail
from mien.interrupts import heard_endings

OUT, FOLDER = "annotations.parquet", "annotations"


def annotate(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT...", help="Pictures, videos, folders, globs; - reads a list from stdin."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The table: .parquet, .csv or .jsonl; - writes CSV to stdout (pictures alone). Of several videos a "
            f"folder.  [default: {OUT}; of several videos {FOLDER}]",
            show_default=False,
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Also draw: pictures or several videos into a folder, a video into a .mp4."),
    ] = None,
    as_manifest: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write a manifest: faces, and what is predicted as labels.")
    ] = None,
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="A network from 'mien export'.")] = None,
    min_size: Annotated[int, typer.Option(min=1, metavar="PX", help="Leave out smaller faces (shorter side).")] = 16,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print failures only.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Faces the network reads at once.")] = 32,
    threads: Annotated[int, typer.Option(min=0, help="Threads of each network; 0: what suits the cores.")] = 0,
    compounds: Annotated[
        str | None,
        typer.Option(metavar="SET", help="Also tell compounds: raf_db, emotionet, du_2014 or a FILE.yaml of your own."),
    ] = None,
    compound_units: Annotated[
        str,
        typer.Option(metavar="WEIGHTS", help="Of their action units: fractions, equal, prototypical, union or mean."),
    ] = "fractions",
    source: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Instead of INPUT: a stream, a camera (/dev/video0), or a series of pictures as a video.",
        ),
    ] = None,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Of a video: look at each N-th frame.")] = 1,
    fps: Annotated[float | None, typer.Option(help="Look at so many frames a second at most.")] = None,
    start: Annotated[float | None, typer.Option(metavar="SECONDS", help="Where to begin.")] = None,
    end: Annotated[float | None, typer.Option(metavar="SECONDS", help="Where to stop.")] = None,
    quality: Annotated[
        str, typer.Option(help="How often all of a frame is searched for faces: best, balanced or fast.")
    ] = "balanced",
    max_faces: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the N largest of a frame.")] = None,
    smooth: Annotated[
        int, typer.Option(min=0, metavar="FRAMES", help="Add columns: the median of so many frames, odd; 0: none.")
    ] = 0,
    smooth_seconds: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="And behind it an exponential filter of this time constant.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(metavar="NAME", help="The columns of another tool, in CSV: openface or py-feat.")
    ] = None,
    table: Annotated[
        str | None, typer.Option("--format", help="Of the tables in a folder: parquet, csv or jsonl.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with videos that were broken off.")] = False,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Annotate so many videos at once.")] = 1,
) -> None:
    """Read every face in pictures and videos into a table; of several videos into one table each.

    Exit status: 0 if all went well, 1 if an input failed, 2 if nothing could be begun, 130 after Ctrl-C.
    """
    from mien.annotate.inputs import Source, expand
    from mien.annotate.options import VideoOptions
    from mien.annotate.settings import Settings
    from mien.cli.annotate.pictures import annotate_pictures
    from mien.compound_sets import load

    if bool(inputs) == (source is not None):
        fail("name either an INPUT or a --source", 2)
    sources = [Source(source, source, video=True)] if source else list(expand(inputs or [], distinct=True))
    if not sources:
        fail("nothing to read: the list of inputs is empty", 2)
    videos = [entry for entry in sources if entry.video]
    given = {
        "--every": every > 1, "--fps": fps, "--start": start, "--end": end, "--quality": quality != "balanced",
        "--max-faces": max_faces, "--smooth": smooth, "--smooth-seconds": smooth_seconds, "--layout": layout,
        "--format": table, "--resume": resume, "--workers": workers > 1,
    }  # fmt: skip
    for_videos = [name for name, value in given.items() if value not in (None, False, 0)]
    if not videos and for_videos:
        fail(f"{', '.join(for_videos)}: of videos, and there is none among the inputs", 2)
    if videos and as_manifest:
        fail("--as-manifest takes pictures alone; 'mien data prepare' makes faces of videos to train on", 2)
    if compound_units != "fractions" and not compounds:
        fail("--compound-units: of compounds, which --compounds asks for", 2)
    if resume and overwrite:
        fail("either --resume, which goes on, or --overwrite, which begins anew", 2)
    try:
        settings = Settings(
            model, min_size, batch_size, threads, load(compounds, compound_units) if compounds else None,
            VideoOptions(every, fps, start, end, quality, max_faces), smooth, smooth_seconds, layout, overwrite, resume,
        )  # fmt: skip
        annotator = settings.annotator() if videos else settings.for_pictures()
    except (OSError, ValueError) as error:
        fail(str(error), 2)
    for ending in heard_endings():
        signal.signal(ending, signal.default_int_handler)  # as Ctrl-C: the table is completed
    if not videos:
        status = annotate_pictures(
            annotator,
            sources,
            OUT if out is None else out,
            overlay=overlay,
            as_manifest=as_manifest,
            overwrite=overwrite,
            quiet=quiet,
        )
        raise typer.Exit(status)
    from mien.cli.annotate.folder import annotate_folder
    from mien.cli.annotate.video import annotate_one

    file = out is not None and (out in ("", "-") or bool(Path(out).suffix))
    folder = bool(inputs and os.path.isdir(inputs[0]))  # noqa: PTH112 (pathlib raises for an overlong name)
    alone = len(sources) == 1 and (file or (out is None and not folder))
    if alone:
        raise typer.Exit(annotate_one(annotator, sources[0], OUT if out is None else out, overlay, settings, quiet))
    raise typer.Exit(
        annotate_folder(annotator, sources, FOLDER if out is None else out, overlay, table, settings, workers, quiet)
    )
