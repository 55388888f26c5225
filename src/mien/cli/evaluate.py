"""``mien evaluate``. PyTorch is imported inside the command only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import REPEAT, JsonOut, Manifest, Overwrite, Seed, Split, group_option
from mien.cli.terminal import fail, needs_extra, print_table, progress, refuse_existing, write_json, write_text

if TYPE_CHECKING:
    from mien.learn.data.manifest import Manifest as OpenManifest
    from mien.learn.evaluate.assessment import Assessment
    from mien.learn.evaluate.report import Evaluation
    from mien.learn.evaluate.sources.label_map import LabelMap


def evaluate(
    networks: Annotated[
        list[Path],
        typer.Argument(
            metavar="NETWORK...",
            help="Checkpoint folders, .onnx files, bundled networks (default, tiny), or tables of predictions.",
        ),
    ],
    manifest: Manifest,
    split: Split = "test",
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Report this database's metrics for all rows; 'headline' for the headline metrics.",
            show_default="each database's own",
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help=f"Also report each value of this column separately. {REPEAT}"),
    ] = None,
    group: Annotated[str | None, group_option("subject, video or row")] = None,
    resamples: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Number of bootstrap resamples for the intervals; 0 for no intervals."),
    ] = 1000,
    seed: Seed = 0,
    end_to_end: Annotated[
        bool, typer.Option("--end-to-end", help="Start from whole pictures, as `mien annotate` does.")
    ] = False,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the manifest's pictures.", show_default="the manifest's folder"),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option(
            metavar="TOOL",
            help="The tool that wrote the tables: openface, py-feat, libreface ...",
            show_default="recognised by their columns",
        ),
    ] = None,
    out: JsonOut = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Write an HTML report: an .html file, or a folder for it and the JSON."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Evaluate networks on one split of a manifest.

    The official metrics of each database come first, then all metrics that the labels allow. Labels that a network and
    the manifest name differently are matched by meaning, and differences are reported. Exit status: 0 when done, 2 if
    a network or the manifest cannot be used, or they have no label in common.

    Example:
      mien evaluate default runs/own/best build/own --split valid --report report.html
    """
    with needs_extra():
        from mien.annotate.model import ModelError
        from mien.learn.checkpoint import CheckpointError
        from mien.learn.data.manifest import ManifestError
        from mien.learn.evaluate.sources.matching import read_rows

    try:
        page, metrics = _outputs(out, report, overwrite)
        _check_protocol(protocol)
        rows = read_rows(manifest, split)
        assessed = {"protocol": protocol, "by": by or (), "unit": group, "resamples": resamples, "seed": seed}
        read = {"end_to_end": end_to_end, "schema": schema, "pictures": pictures}
        found = {name: each for path in networks for name, each in _evaluate(path, rows, split, assessed, read)}
        evaluation = _evaluation(manifest, split, rows, found, resamples, seed)
        _print(evaluation)
        write_json(metrics, _json(evaluation, found))
        if metrics:
            print(f"metrics: {metrics}")
        if page:
            _write_page(page, evaluation)
            print(f"report: {page}")
    except (ManifestError, CheckpointError, ModelError, ValueError, OSError) as error:
        fail(str(error), 2)


@dataclass(frozen=True, eq=False)
class Found:
    """The metrics of a network, how its labels map to the manifest's, and the rows that are skipped."""

    assessment: Assessment
    maps: Sequence[tuple[LabelMap, int]]


def _outputs(out: Path | None, report: Path | None, overwrite: bool) -> tuple[Path | None, Path | None]:
    """The paths of the page and the JSON; refused before any work if they cannot be written."""
    page, metrics = report, out
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        if report.suffix and not report.is_dir():
            raise ValueError(f"{report}: a report is an .html file, or a folder")
        page, metrics = report / "report.html", out or report / "metrics.json"
    refuse_existing(page, metrics, overwrite=overwrite)
    if page != report and report is not None:
        report.mkdir(parents=True, exist_ok=True)
    for path in (page, metrics):
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: there is no folder {path.parent}")
    return page, metrics


def _check_protocol(name: str | None) -> None:
    from mien.learn.evaluate.protocols import PROTOCOLS

    if name not in (None, "headline", *PROTOCOLS):
        raise ValueError(f"--protocol {name}: no such protocol; known: headline, {', '.join(PROTOCOLS)}")


def _evaluate(
    path: Path, rows: OpenManifest, split: str, assessed: Mapping[str, Any], read: Mapping[str, Any]
) -> list[tuple[str, Found]]:
    """Evaluate a network; if it missed rows, once with them as errors and once without them."""
    from mien.learn.data.manifest import ManifestError
    from mien.learn.evaluate.assessment import assess, take
    from mien.learn.evaluate.sources.label_map import mapped, match, skipped_rows
    from mien.learn.evaluate.sources.prediction_sources import predictions

    with progress("reading", None, hidden=not read["end_to_end"]) as advance:
        found = predictions(path, rows.path, split, note=print, advance=advance, **read)
    maps = match(found.tasks, rows.tasks)
    if not maps:
        ours, theirs = (", ".join(task.name for task in each) for each in (found.tasks, rows.tasks))
        raise ManifestError(f"{path} and {rows.path} have no label in common ({ours}; {theirs})")
    parts = {str(path): found}
    if found.missed.any() and not found.missed.all():
        parts[f"{path}, without the missed"] = take(found, ~found.missed)
    return [
        (name, Found(assess(mapped(part, maps), **assessed), [(each, skipped_rows(part.rows, each)) for each in maps]))
        for name, part in parts.items()
    ]


def _evaluation(
    manifest: Path, split: str, rows: OpenManifest, found: Mapping[str, Found], resamples: int, seed: int
) -> Evaluation:
    from mien.learn.evaluate.report import Evaluation

    networks = {name: each.assessment for name, each in found.items()}
    lines = {name: [part.line(count) for part, count in each.maps if not part.same] for name, each in found.items()}
    weak = rows.metadata.get("weak", {})
    return Evaluation(str(manifest), split, rows.metadata.get("source"), weak, resamples, seed, networks, lines)


def _print(evaluation: Evaluation) -> None:
    """Print how labels are matched, then the official metrics, then all metrics."""
    from mien.learn.evaluate.report import interval_note, official

    for name, lines in evaluation.maps.items():
        for line in lines:
            print(f"labels: {name}: {line}")
    print_table(*official(evaluation.networks))
    print(interval_note(next(iter(evaluation.networks.values())), evaluation.resamples, evaluation.seed))
    results = {name: each.whole.metrics for name, each in evaluation.networks.items()}
    names = dict.fromkeys(name for metrics in results.values() for name in metrics)
    rows = [[name, *(_number(metrics.get(name)) for metrics in results.values())] for name in names]
    print_table(["metric", *results], rows)
    for task, reason in evaluation.weak.items():
        print(f"the labels of {task} are weak: {reason}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value > 1 and value == int(value) else f"{value:.4f}"


def _write_page(path: Path, evaluation: Evaluation) -> None:
    from mien.learn.evaluate.report import html

    write_text(path, html(evaluation))


def _json(evaluation: Evaluation, found: Mapping[str, Found]) -> dict[str, Any]:
    return {
        "manifest": evaluation.manifest,
        "split": evaluation.split,
        "source": evaluation.source,
        "weak": dict(evaluation.weak),
        "resamples": evaluation.resamples,
        "seed": evaluation.seed,
        "networks": {name: each.assessment.whole.metrics for name, each in found.items()},
        "label maps": {
            name: {part.task.name: part.to_dict(count) for part, count in each.maps} for name, each in found.items()
        },
        "details": {name: each.assessment.to_dict() for name, each in found.items()},
    }
