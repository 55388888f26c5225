"""Predictions for a split from any source: a network on prepared crops, end to end, or the table of a tool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mien.annotate.pipeline import Annotator
from mien.learn.data.manifest import Manifest, read_manifest
from mien.learn.evaluate.adapters import tool_tables
from mien.learn.evaluate.adapters.table_files import is_table
from mien.learn.evaluate.predictions import Predictions, predict
from mien.learn.evaluate.predictor import open_predictor
from mien.learn.evaluate.sources.end_to_end import annotated
from mien.learn.evaluate.sources.matching import matched, read_rows


def predictions(
    path: Path,
    manifest: Path,
    split: str,
    *,
    end_to_end: bool = False,
    schema: str | None = None,
    pictures: Path | None = None,
    note: Callable[[str], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> Predictions:
    """The predictions of a network, or of a tool, for the rows of a split.

    Args:
        path: a checkpoint folder or ``.onnx`` file, or the tables of a tool: a file, or a folder of them.
        manifest: its pictures only need to be prepared for a network without ``end_to_end``.
        split: the split of its rows.
        end_to_end: start from the whole pictures, with an exported network.
        schema: the name of the tool; needed for a folder of tables.
        pictures: base of the manifest's relative paths; None for its own folder.
        note: called with each line that a reader of the metrics needs to know.
        advance: called with 1 after each picture, if ``end_to_end``.

    Raises:
        ValueError: for a manifest, a network or a table that cannot be used (including its subclasses ManifestError,
            CheckpointError and ModelError).
        OSError: if a file cannot be opened.
    """
    if schema is not None or is_table(path):
        rows = read_rows(manifest, split)
        detections = tool_tables.read(path, rows.tasks, schema)
    elif end_to_end:
        if path.is_dir():
            raise ValueError(f"{path}: end to end needs an exported network; `mien export` writes one")
        rows = read_rows(manifest, split)
        result = annotated(Annotator(path), rows, pictures, advance)
        note(f"{path}: {result.line}")
        detections = result.detections
    else:
        predictor, tasks = open_predictor(path)
        return predict(predictor, tasks, read_manifest(manifest).split(split))
    found = matched(detections, rows)
    for line in (*detections.notes, *_missed(found, rows)):
        note(f"{path}: {line.removeprefix(f'{path}: ')}")
    return found


def _missed(found: Predictions, rows: Manifest) -> list[str]:
    """Lines about rows without a face, and about pictures without one that the manifest no longer has."""
    lines = []
    if count := int(found.missed.sum()):
        lines.append(f"{count} of {len(found)} rows were missed ({count / len(found):.1%}); they count as errors")
    errors = rows.metadata.get("errors", rows.metadata.get("faults", {}))  # earlier versions called them faults
    before = sum(count for kind, count in errors.items() if "no face found" in kind)
    if before:
        lines.append(
            f"{before} pictures without a face were dropped from all splits of {rows.path} when it was prepared and "
            "cannot be missed here; `mien data import --no-prepare` keeps them"
        )
    return lines
