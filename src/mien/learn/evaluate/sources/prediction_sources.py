"""Predictions for a split however they come: of a network for prepared crops, end to end, or from a tool's table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mien.annotate.pipeline import Annotator
from mien.learn.data.manifest.manifest import Manifest, read_manifest
from mien.learn.evaluate.adapters import tables
from mien.learn.evaluate.adapters.files import is_table
from mien.learn.evaluate.judge import open_predictor
from mien.learn.evaluate.predictions import Predictions, predict
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
    tell: Callable[[str], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> Predictions:
    """What a network, or a tool, says of the rows of a split.

    Args:
        path: a checkpoint folder or ``.onnx`` file; or a table of a tool, a file or a folder of them.
        manifest: whose pictures need not be prepared, except for a network without ``end_to_end``.
        split: of its rows.
        end_to_end: from the pictures themselves, by an exported network.
        schema: name of the tool; it also says that a folder holds tables.
        pictures: where relative paths of the manifest begin; None for its own folder.
        tell: called with each line that is to be known beside the figures.
        advance: called with 1 after each picture, end to end.

    Raises:
        ValueError: for a manifest, a network or a table that cannot be used (its subclasses ManifestError,
            CheckpointError, ModelError among them).
        OSError: if a file cannot be opened.
    """
    if schema is not None or is_table(path):
        rows = read_rows(manifest, split)
        readings = tables.read(path, rows.tasks, schema)
    elif end_to_end:
        if path.is_dir():
            raise ValueError(f"{path}: end to end needs an exported network; `mien export` makes one of a checkpoint")
        rows = read_rows(manifest, split)
        run = annotated(Annotator(path), rows, pictures, advance)
        tell(f"{path}: {run.line}")
        readings = run.readings
    else:
        predictor, tasks = open_predictor(path)
        return predict(predictor, tasks, read_manifest(manifest).split(split))
    found = matched(readings, rows)
    for note in (*readings.notes, *_missed(found, rows)):
        tell(f"{path}: {note.removeprefix(f'{path}: ')}")
    return found


def _missed(found: Predictions, rows: Manifest) -> list[str]:
    """How many rows have no face, and how many more there would be had they not been left out before."""
    lines = []
    if count := int(found.missed.sum()):
        lines.append(f"{count} of {len(found)} rows were missed ({count / len(found):.1%}); they count as errors")
    before = sum(count for kind, count in rows.metadata.get("faults", {}).items() if "no face found" in kind)
    if before:
        lines.append(
            f"{before} pictures in which no face was found were left out of {rows.path} when it was prepared, in all "
            "its splits: they cannot be missed here; `mien data import --no-prepare` keeps them"
        )
    return lines
