"""A network as its user meets it: from whole pictures, by the pipeline of ``mien annotate``.

Crops of a manifest were found once, and rows without a face were left out then. Here every picture is opened, and faces
are found, aligned and read anew by :class:`mien.annotate.pipeline.Annotator` itself, so that what the detector misses
counts (see :mod:`mien.learn.evaluate.sources.matching`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.annotate.inputs import Source
from mien.annotate.pipeline import Annotator
from mien.learn.data.manifest.manifest import Manifest
from mien.learn.data.pack.locate import Pictures
from mien.learn.evaluate.sources.detections import Detections
from mien.media.picture import VIDEOS, MediaError


@dataclass(frozen=True, eq=False)
class Run:
    """What came of a run.

    Args:
        readings: all faces of all pictures.
        pictures: how many pictures and frames were opened.
        seconds: how long it took from the first file to the last face: reading, detection, alignment and network.
    """

    readings: Detections
    pictures: int
    seconds: float

    @property
    def line(self) -> str:
        """For people; a speed is one of this machine, with all that ran beside it."""
        rate = len(self.readings) / max(self.seconds, 1e-9)
        return (
            f"{len(self.readings)} faces in {self.pictures} pictures; {rate:.1f} faces a second in this run, files, "
            "detection and alignment included (one timing on this machine, no benchmark)"
        )


def annotated(
    annotator: Annotator, rows: Manifest, folder: Path | None = None, advance: Callable[[int], None] = lambda _: None
) -> Run:
    """Read every face of the pictures, and frames of videos, that the rows name; each once.

    Pictures that cannot be opened have no face; the notes tell how many they are, and the first reason.

    Args:
        annotator: with an exported network, or the bundled one.
        rows: with ``path``, and ``frame`` where it is a video.
        folder: where relative paths begin, if not in the working directory; the manifest's own by default.
        advance: called with 1 after each picture.
    """
    begin = time.perf_counter()
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
    readings = Detections(
        annotator.model.tasks,
        tuple(pictures),
        np.array(places, np.float64),
        np.array(boxes, np.float64).reshape(-1, 4),
        {name: np.array(values, np.float32).reshape(shapes[name]) for name, values in outputs.items()},
        notes,
    )
    return Run(readings, len(keys), time.perf_counter() - begin)


def _sources(keys: list[tuple[str, int | None]], folder: Path) -> Iterator[Source]:
    """Pictures by their path, as ``mien annotate`` has them; frames of videos as arrays."""
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
