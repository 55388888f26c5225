"""The command ``mien evaluate``: parses, calls, prints. PyTorch is imported inside the command only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.terminal import fail, needs_extra, print_table, progress


def evaluate(
    networks: Annotated[
        list[Path],
        typer.Argument(
            metavar="NETWORK...",
            help="Checkpoint folders, .onnx files, default or tiny (bundled), or tables of predictions.",
        ),
    ],
    manifest: Annotated[Path, typer.Option(help="A manifest, or the folder that holds it.")],
    split: Annotated[str, typer.Option(help="Which of its rows.")] = "test",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the figures as JSON.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Also write a report: an .html file, or a folder for it and the JSON."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Official figures of this database, instead of each row's own; or headline.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Judge the rows of each value, too; repeat the option.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What intervals draw; subject, video or row by default.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Of the bootstrap intervals; 0 for none.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the intervals.")] = 0,
    end_to_end: Annotated[
        bool, typer.Option("--end-to-end", help="From whole pictures, as `mien annotate` does; .onnx, default or tiny.")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the manifest's pictures lie, if not beside it.")
    ] = None,
    schema: Annotated[
        str | None, typer.Option(metavar="TOOL", help="Whose tables they are: openface, py-feat, libreface ...")
    ] = None,
) -> None:
    """Judge networks side by side, each database by its official figures.

    Labels of a database that a network was not made for are mapped by name; what is not the same on both sides is told.
    Then every figure that the labels of the split allow. Exit status: 0 when done, 2 if a network or the manifest
    cannot be used, or they have no label in common.
    """
    with needs_extra():
        from mien.annotate.model import ModelError
        from mien.learn.checkpoint import CheckpointError
        from mien.learn.data.manifest.manifest import ManifestError
        from mien.learn.evaluate.protocols import PROTOCOLS
        from mien.learn.evaluate.report import Evaluation, html, interval_note, official
        from mien.learn.evaluate.sources.matching import read_rows

    try:
        page, metrics = _places(out, report)
        if protocol not in (None, "headline", *PROTOCOLS):
            raise ValueError(f"--protocol {protocol}: no such protocol; there are headline, {', '.join(PROTOCOLS)}")
        rows = read_rows(manifest, split)
        options = {"protocol": protocol, "by": by or (), "unit": unit, "resamples": resamples, "seed": seed}
        shipped = {"end_to_end": end_to_end, "schema": schema, "pictures": pictures}
        judged = {name: each for path in networks for name, each in _judged(path, rows, split, options, shipped)}
    except (ManifestError, CheckpointError, ModelError, ValueError, OSError) as error:
        fail(str(error), 2)
    found = {name: assessment for name, (assessment, _) in judged.items()}
    lines = {name: [each.line(count) for each, count in maps if not each.same] for name, (_, maps) in judged.items()}
    for name, line in ((name, line) for name, each in lines.items() for line in each):
        print(f"labels: {name}: {line}")
    print_table(*official(found))
    print(interval_note(next(iter(found.values())), resamples, seed))
    _print_all({name: each.whole.metrics for name, each in found.items()})
    weak = rows.metadata.get("weak", {})
    for task, reason in weak.items():
        print(f"the labels of {task} are weak: {reason}")
    evaluation = Evaluation(str(manifest), split, rows.metadata.get("source"), weak, resamples, seed, found, lines)
    if metrics:
        _write(metrics, json.dumps(_json(evaluation, judged), indent=1, ensure_ascii=False) + "\n")
        print(f"metrics: {metrics}")
    if page:
        _write(page, html(evaluation))
        print(f"report: {page}")


def _judged(
    path: Path, rows: Any, split: str, options: dict[str, Any], shipped: dict[str, Any]
) -> list[tuple[str, tuple[Any, list[tuple[Any, int]]]]]:
    """What is found about a network, and its label maps, each with the number of rows that it leaves out.

    Where rows were missed, once with them as errors and once of the others alone.
    """
    from mien.learn.data.manifest.manifest import ManifestError
    from mien.learn.evaluate.assessment import assess, take
    from mien.learn.evaluate.sources.label_map import mapped, match, skipped_rows
    from mien.learn.evaluate.sources.prediction_sources import predictions

    with progress("reading", None, hidden=not shipped["end_to_end"]) as advance:
        found = predictions(path, rows.path, split, note=print, advance=advance, **shipped)
    maps = match(found.tasks, rows.tasks)
    if not maps:
        ours, theirs = (", ".join(task.name for task in each) for each in (found.tasks, rows.tasks))
        raise ManifestError(f"{path} and {rows.path} have no label in common ({ours}; {theirs})")
    parts = {str(path): found}
    if found.missed.any() and not found.missed.all():
        parts[f"{path}, without the missed"] = take(found, ~found.missed)
    return [
        (name, (assess(mapped(part, maps), **options), [(each, skipped_rows(part.rows, each)) for each in maps]))
        for name, part in parts.items()
    ]


def _places(out: Path | None, report: Path | None) -> tuple[Path | None, Path | None]:
    """Where the page and the JSON go; refused before the work if they cannot."""
    page, metrics = report, out
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        if report.suffix and not report.is_dir():
            raise ValueError(f"{report}: a report is an .html file, or a folder")
        report.mkdir(parents=True, exist_ok=True)
        page, metrics = report / "report.html", out or report / "metrics.json"
    for path in (page, metrics):
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: there is no folder {path.parent}")
    return page, metrics


def _json(evaluation: Any, judged: dict[str, tuple[Any, list[tuple[Any, int]]]]) -> dict[str, Any]:
    return {
        "manifest": evaluation.manifest,
        "split": evaluation.split,
        "source": evaluation.source,
        "weak": dict(evaluation.weak),
        "resamples": evaluation.resamples,
        "seed": evaluation.seed,
        "networks": {name: found.whole.metrics for name, (found, _) in judged.items()},
        "label maps": {
            name: {each.task.name: each.to_dict(count) for each, count in maps} for name, (_, maps) in judged.items()
        },
        "details": {name: found.to_dict() for name, (found, _) in judged.items()},
    }


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        fail(str(error), 2)


def _print_all(results: dict[str, dict[str, float]]) -> None:
    names: Sequence[str] = list(dict.fromkeys(name for metrics in results.values() for name in metrics))
    rows = [[name, *(_number(metrics.get(name)) for metrics in results.values())] for name in names]
    print_table(["figure", *results], rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if value > 1 and value == int(value) else f"{value:.4f}"
