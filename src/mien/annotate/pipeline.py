"""The annotator: turns pictures and videos into a table of faces."""

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
from mien.annotate.result import MAX_PENDING_BYTES, Result
from mien.annotate.schema import Row, face_rows, table_schema
from mien.compound import Compounds
from mien.compound_sets import load
from mien.faces.align import align
from mien.faces.detect import Detector, Face, Pixels, YuNet
from mien.media.picture import MediaError, Picture, read


@dataclass(frozen=True)
class _Detected:
    """A picture whose crops wait for the network, or an input that could not be read."""

    source: Source
    picture: Picture | None = None
    faces: Sequence[Face] = ()
    crops: Sequence[Pixels] = ()
    error: str | None = None


class Annotator:
    """Detects and aligns faces, and predicts their labels. Reusable: the networks are loaded once.

    Args:
        model: an ONNX file from ``mien export``; the bundled network by default.
        detector: a face detector; :class:`mien.faces.detect.YuNet` by default.
        min_size: skip faces whose shorter box side is below this many pixels of the original.
        batch_size: number of crops in a batch of the network.
        threads: threads of ONNX Runtime; 0 lets it choose.
        compounds: add columns for compound expressions: a named set, a YAML file (:func:`mien.compound_sets.load`) or a
            custom set.
        video: which frames of videos are annotated.

    Attributes:
        model: the network.
        tasks: the tasks of the label columns: those of the network, and the compounds.
        schema: the schema of a table of pictures; its metadata defines the compounds under ``compounds``.
        video_schema: the schema of a table with video frames, which also has the columns ``time`` and ``track``.

    Raises:
        ModelError: if the network's file is missing, damaged or not a mien network, or lacks labels that the compounds
            need.
        ValueError: for unknown compounds.

    Example:
        >>> annotator = Annotator(video=VideoOptions(fps=5))
        >>> table = annotator("talk.mp4")  # doctest: +SKIP
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
            extra = {"compounds": self.compounds.to_json()}
            self.schema, self.video_schema = (
                schema.with_metadata({**schema.metadata, **extra}) for schema in (self.schema, self.video_schema)
            )

    def predict(self, crops: Pixels) -> dict[str, NDArray[np.float32]]:
        """The network's outputs for aligned crops: task name -> N x labels.

        Args:
            crops: N x 112 x 112 x 3 uint8 RGB, or of the network's own size.

        Raises:
            ValueError: for crops of another shape or dtype.
        """
        return self.model(crops, self.batch_size)

    def crops(self, pixels: Pixels, faces: Sequence[Face]) -> list[Pixels]:
        """Cut out the aligned crops of faces for the network."""
        template, size = self.model.template, self.model.size
        return [align(pixels, face.landmarks, template=template, size=size) for face in faces]

    def outputs(self, crops: Sequence[Pixels]) -> dict[str, NDArray[np.float32]]:
        """The values of the label columns: :meth:`predict` and the compounds; empty if there are no crops."""
        if not crops:
            return {}
        size = self.batch_size  # stacking copies, so only one batch at a time
        parts = [self.predict(np.stack(crops[start : start + size])) for start in range(0, len(crops), size)]
        outputs = {task.name: np.concatenate([part[task.name] for part in parts]) for task in self.model.tasks}
        if self.compounds is not None:
            outputs[self.compounds.task.name] = np.float32(self.compounds.probabilities(outputs, self.model.tasks))
        return outputs

    def __call__(self, inputs: Inputs) -> pa.Table:
        """Annotate inputs: one row per face, largest first, in the order of the inputs.

        A picture without a face has one row of nulls. A video has the same rows for each sampled frame, and adds the
        columns ``time`` and ``track``.

        Unreadable inputs do not stop the rest: the table's schema metadata lists them under ``errors``, a JSON list of
        ``{"input", "error"}`` (empty if there are none), and a ``UserWarning`` gives their number.

        Args:
            inputs: a path of a picture or video, a folder, glob, array or PIL image (see
                :func:`mien.media.picture.read`), or any iterable of these.

        Raises:
            MediaError: if the only picture or video cannot be read.
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
        """Yield a result for each picture and each sampled frame, in order.

        Memory does not grow with their number. Crops are batched across pictures, and across the frames of a video, so
        results arrive in small groups. A damaged video ends with a result that contains the error.

        Args:
            inputs: the same as for calling the annotator.
            pictures: whether the results of video frames include the frame as ``picture``.
        """
        pending: list[_Detected] = []
        for source in expand(inputs):
            if source.video:
                yield from self._predict(pending)
                pending = []
                yield from self._watch(source, pictures)
                continue
            pending.append(self._detect(source))
            held = sum(each.picture.pixels.nbytes for each in pending if each.picture)
            if held >= MAX_PENDING_BYTES or sum(len(each.crops) for each in pending) >= self.batch_size:
                yield from self._predict(pending)
                pending = []
        yield from self._predict(pending)

    def _watch(self, source: Source, pictures: bool) -> Iterator[Result]:
        from mien.annotate.watch import watch  # imports PyAV, which only videos need
        from mien.media.sampler import FrameSampler

        options = self.video
        try:
            with FrameSampler(
                str(source.item), every=options.every, fps=options.fps, start=options.start, end=options.end
            ) as frames:
                for chunk in watch(self, frames, options, pictures=pictures):
                    yield from chunk
        except MediaError as error:
            yield Result(source.name, error=str(error))

    def _detect(self, source: Source) -> _Detected:
        """Read a picture, detect its faces and cut them out."""
        try:
            picture = read(source.item, source.name)
        except MediaError as error:
            return _Detected(source, error=str(error))
        smallest = self.min_size / max(picture.scale)
        faces = [face for face in self.detector(picture.pixels) if min(face.box[2:]) >= smallest]
        return _Detected(source, picture, faces, self.crops(picture.pixels, faces))

    def _predict(self, pending: Sequence[_Detected]) -> Iterator[Result]:
        """Predict for all pending crops, and yield the result of each picture."""
        outputs = self.outputs([crop for each in pending for crop in each.crops])
        start = 0
        for each in pending:
            stop = start + len(each.faces)
            own = {name: values[start:stop] for name, values in outputs.items()}
            rows: list[Row] = []
            if each.picture:
                place = {"input": each.picture.name, "frame": 0, "note": each.picture.note}
                rows = face_rows(place, each.faces, own, self.tasks, scale=each.picture.scale)
            yield Result(each.source.name, rows, each.picture, each.error, each.crops)
            start = stop
