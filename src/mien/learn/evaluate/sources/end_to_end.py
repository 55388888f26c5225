"""A network as its users run it: on whole pictures, by the pipeline of ``mien annotate``.

The crops of a manifest were prepared in advance, and pictures without a face were dropped then. Here every picture is
opened, and its faces are found, aligned and read by :class:`mien.annotate.pipeline.Annotator` itself, so a face that
the detector misses counts as an error (see :mod:`mien.learn.evaluate.sources.matching`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.annotate.inputs import Source
from mien.annotate.pipeline import Annotator
from mien.learn.data.manifest import Manifest
from mien.learn.data.pack.locate import Pictures
from mien.learn.evaluate.detections import Detections
from mien.media.picture import VIDEOS, MediaError


@dataclass(frozen=True, eq=False)
class Annotated:
    """The faces of all pictures of a manifest.

    Args:
        detections: all faces of all pictures.
        pictures: the number of pictures and frames that were opened.
        seconds: the time from the first file to the last face: reading, detection, alignment and network.
    """

    detections: Detections
    pictures: int
    seconds: float

    @property
    def line(self) -> str:
        """One line with the speed, which depends on the machine and on everything else that runs on it."""
        rate = len(self.detections) / max(self.seconds, 1e-9)
        return (
            f"{len(self.detections)} faces in {self.pictures} pictures; {rate:.1f} faces per second in this run, "
            "files, detection and alignment included (a single timing on this machine, not a benchmark)"
        )


def annotated(
    annotator: Annotator, rows: Manifest, folder: Path | None = None, advance: Callable[[int], None] = lambda _: None
) -> Annotated:
    """Annotate the pictures, and frames of videos, that the rows name, each once.

    Pictures that cannot be opened have no face; a note gives their number and the first reason.

    Args:
        annotator: an annotator with an exported network, or the bundled one.
        rows: the rows, with ``path``, and ``frame`` for videos.
        folder: base of relative paths that are not found from the working directory; the manifest's by default.
        advance: called with 1 after each picture.
    """
    start = time.perf_counter()
    frames = rows.table["frame"].to_pylist() if "frame" in rows.table.column_names else [None] * len(rows)
    paths = rows.table["path"].to_pylist()
    video = [Path(path).suffix.lower() in VIDEOS for path in paths]
    keys = [*dict.fromkeys(zip(paths, (f if v else None for f, v in zip(frames, video, strict=True)), strict=True))]
    pictures, places, boxes, errors = list[str](), list[float](), list[list[float]](), list[str]()
    outputs: dict[str, list[list[float]]] = {task.name: [] for task in annotator.model.tasks}
    for (path, frame), result in zip(keys, annotator.stream(_sources(keys, folder or rows.path.parent)), strict=True):
        advance(1)
        if result.error is not None:
            errors.append(f"{path}: {result.error}")
        for row in result.rows if result.crops else ():
            pictures.append(path)
            places.append(np.nan if frame is None else frame)
            boxes.append([row[side] for side in ("x", "y", "width", "height")])
            for task in annotator.model.tasks:
                outputs[task.name].append([row[label] for label in task.labels])
    notes = (f"could not be read and count as missed: {len(errors)}; the first: {errors[0]}",) if errors else ()
    shapes = {task.name: (len(pictures), len(task)) for task in annotator.model.tasks}
    detections = Detections(
        annotator.model.tasks,
        tuple(pictures),
        np.array(places, np.float64),
        np.array(boxes, np.float64).reshape(-1, 4),
        {name: np.array(values, np.float32).reshape(shapes[name]) for name, values in outputs.items()},
        notes,
    )
    return Annotated(detections, len(keys), time.perf_counter() - start)


def _sources(keys: list[tuple[str, int | None]], folder: Path) -> Iterator[Source]:
    """Pictures by their path, as for ``mien annotate``; frames of videos as arrays."""
    frames = Pictures(folder)
    for path, frame in keys:
        place = Path(path)
        place = place if place.is_absolute() or place.exists() else folder / place
        item: object = str(place)
        if place.suffix.lower() in VIDEOS:
            try:
                item = frames({"path": path, "frame": frame})
            except MediaError as error:
                item = error
        yield Source(path, item)
