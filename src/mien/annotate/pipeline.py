"""Annotator: pictures and videos in, a table of faces out."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mien.annotate.inputs import Inputs, Source, expand, is_single
from mien.annotate.model import Model, ModelError
from mien.annotate.options import VideoOptions
from mien.annotate.result import Result
from mien.annotate.schema import Row, face_rows, table_schema
from mien.compound import Compounds
from mien.compound_sets import load
from mien.faces.align import align
from mien.faces.detect import Detector, Face, Pixels, YuNet
from mien.media.picture import MediaError, Picture, read

HELD_BYTES = 64_000_000
"""Pictures wait for others to fill a batch until they take this much memory."""


@dataclass(frozen=True)
class _Seen:
    """A picture whose faces wait for the network, or an input that failed."""

    source: Source
    picture: Picture | None = None
    faces: Sequence[Face] = ()
    crops: Sequence[Pixels] = ()
    error: str | None = None


class Annotator:
    """Finds, aligns and reads faces. Reusable: the networks are loaded once.

    Args:
        model: an ONNX file that ``mien export`` wrote; the bundled network by default.
        detector: whatever finds faces; :class:`mien.faces.detect.YuNet` by default.
        min_size: faces whose shorter box side is below this many pixels of the original are left out.
        batch_size: how many crops the network reads at once.
        threads: of ONNX Runtime; 0 leaves the choice to it.
        compounds: also say which compound expression is likeliest, among a set by name, those of a YAML file
            (:func:`mien.compound_sets.load`) or a set of one's own; None for no such columns.
        video: how videos are watched.

    Attributes:
        model: the network.
        tasks: those of the network, and the compounds: what the columns are made of.
        schema: of a table of pictures; its metadata has all that the compounds depend on under ``compounds``.
        video_schema: of a table with frames of videos: the columns ``time`` and ``track`` too.

    Raises:
        ModelError: if the network's file is missing, damaged or not one of mien's, or it lacks what compounds are
            made of.
        ValueError: for compounds that are none.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        detector: Detector | None = None,
        min_size: int = 16,
        batch_size: int = 32,
        threads: int = 0,
        compounds: str | os.PathLike[str] | Compounds | None = None,
        video: VideoOptions | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        self.compounds = compounds if compounds is None or isinstance(compounds, Compounds) else load(compounds)
        self.model = Model(model, threads=threads)
        self.detector = YuNet(min_size=1, threads=threads) if detector is None else detector
        self.min_size, self.batch_size, self.video = min_size, batch_size, video or VideoOptions()
        try:
            if self.compounds is not None:
                self.compounds.check(self.model.tasks)
            self.tasks = self.model.tasks if self.compounds is None else (*self.model.tasks, self.compounds.task)
            self.schema, self.video_schema = (
                table_schema(self.tasks, self.model.name, video=video) for video in (False, True)
            )
        except ValueError as error:
            raise ModelError(f"{self.model.name}: {error}") from None
        if self.compounds is not None:
            told = {"compounds": self.compounds.to_json()}
            self.schema, self.video_schema = (
                schema.with_metadata({**schema.metadata, **told}) for schema in (self.schema, self.video_schema)
            )

    def predict(self, crops: Pixels) -> dict[str, NDArray[np.float32]]:
        """What the network says of aligned crops: task name -> N x labels.

        Args:
            crops: N x 112 x 112 x 3 uint8 RGB (or of the side that the network asks for).

        Raises:
            ValueError: if the shape or the dtype is another.
        """
        return self.model(crops, self.batch_size)

    def crops(self, pixels: Pixels, faces: Sequence[Face]) -> list[Pixels]:
        """The aligned crops of faces, as the network wants them."""
        template, size = self.model.template, self.model.size
        return [align(pixels, face.landmarks, template=template, size=size) for face in faces]

    def outputs(self, crops: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        """What the table says of crops: :meth:`predict`, and the compounds; nothing for no crops."""
        if not crops:
            return {}
        size = self.batch_size  # what is stacked is a copy: no more of it than the network reads at once
        parts = [self.predict(np.stack(crops[start : start + size])) for start in range(0, len(crops), size)]
        outputs = {task.name: np.concatenate([part[task.name] for part in parts]) for task in self.model.tasks}
        if self.compounds is not None:
            outputs[self.compounds.task.name] = np.float32(self.compounds.probabilities(outputs, self.model.tasks))
        return outputs

    def __call__(self, inputs: Inputs) -> pa.Table:
        """One row a face, largest first, in the order of the inputs; a picture without a face is one row of nulls.

        A video has such rows for each frame that is looked at, and gives the table its columns ``time`` and ``track``.

        Inputs that cannot be read do not stop the rest: the table's schema metadata holds them under ``errors``, a
        JSON list of ``{"input", "error"}`` (empty if all went well), and one ``UserWarning`` says how many they are.

        Args:
            inputs: a path of a picture or video, a folder, glob, array or PIL image (see
                :func:`mien.media.picture.read`), or any iterable of these.

        Raises:
            MediaError: if a single input was given, which is no list and stands for no more than one picture or video,
                and nothing of it can be read.
        """
        rows: list[Row] = []
        errors: list[dict[str, str]] = []
        sources = 0

        def counted() -> Iterator[Source]:
            nonlocal sources
            for source in expand(inputs):
                sources += 1
                yield source

        schema = self.schema
        for result in self.stream(counted(), pictures=False):
            rows += result.rows
            schema = schema if result.time is None else self.video_schema
            if result.error is not None:
                errors.append({"input": result.name, "error": result.error})
        if errors and not rows and sources == 1 and is_single(inputs):
            raise MediaError(f"{errors[0]['input']}: {errors[0]['error']}")
        if errors:
            first = f"{errors[0]['input']}: {errors[0]['error']}"
            warnings.warn(
                f"{len(errors)} of {sources} inputs could not be read ({first}); schema.metadata[b'errors'] lists them",
                stacklevel=2,
            )
        return pa.Table.from_pylist(rows, schema.with_metadata({**schema.metadata, b"errors": json.dumps(errors)}))

    def stream(self, inputs: Inputs, *, pictures: bool = True) -> Iterator[Result]:
        """One result for each picture and each frame that is looked at, in order, as they come.

        Memory does not grow with their number. Crops are batched across pictures, and across the frames of a video, so
        results come in small groups. A video that is damaged has a last result with the error.

        Args:
            inputs: as above.
            pictures: whether results of frames of videos keep the frame as ``picture``.
        """
        waiting: list[_Seen] = []
        for source in expand(inputs):
            if source.video:
                yield from self._read(waiting)
                waiting = []
                yield from self._watch(source, pictures)
                continue
            waiting.append(self._look(source))
            held = sum(seen.picture.pixels.nbytes for seen in waiting if seen.picture)
            if held >= HELD_BYTES or sum(len(seen.crops) for seen in waiting) >= self.batch_size:
                yield from self._read(waiting)
                waiting = []
        yield from self._read(waiting)

    def _watch(self, source: Source, pictures: bool) -> Iterator[Result]:
        from mien.annotate.watch import watch
        from mien.media.sampler import FrameSampler

        options = self.video
        try:
            with FrameSampler(
                str(source.item), every=options.every, fps=options.fps, start=options.start, end=options.end
            ) as footage:
                for chunk in watch(self, footage, options, pictures=pictures):
                    yield from chunk
        except MediaError as error:
            yield Result(source.name, error=str(error))

    def _look(self, source: Source) -> _Seen:
        """Decode one picture, find its faces and cut them out."""
        try:
            picture = read(source.item, source.name)
        except MediaError as error:
            return _Seen(source, error=str(error))
        smallest = self.min_size / max(picture.scale)
        faces = [face for face in self.detector(picture.pixels) if min(face.box[2:]) >= smallest]
        return _Seen(source, picture, faces, self.crops(picture.pixels, faces))

    def _read(self, waiting: Sequence[_Seen]) -> Iterator[Result]:
        """Let the network read all crops that wait, and hand the rows back to their pictures."""
        outputs = self.outputs([crop for seen in waiting for crop in seen.crops])
        start = 0
        for seen in waiting:
            stop = start + len(seen.faces)
            mine = {name: values[start:stop] for name, values in outputs.items()}
            rows: list[Row] = []
            if seen.picture:
                place = {"input": seen.picture.name, "frame": 0, "note": seen.picture.note}
                rows = face_rows(place, seen.faces, mine, self.tasks, scale=seen.picture.scale)
            yield Result(seen.source.name, rows, seen.picture, seen.error, seen.crops)
            start = stop
