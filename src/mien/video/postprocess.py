"""Turns the journal of a video into its outputs: smoothing, layout, table, summaries and overlay, each in one pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from mien.media.picture import MediaError
from mien.media.sampler import FrameSampler
from mien.overlay.video import draw_overlay, faces_at_once
from mien.table.layouts import Layout, csv_writer
from mien.table.summary import Summariser, write_summary
from mien.table.writer import write_table
from mien.tasks import Task
from mien.video.journal import Journal
from mien.video.smooth import Smoother


@dataclass(frozen=True)
class PostprocessOptions:
    """What to write from the rows of a video; no option changes the rows.

    Args:
        smooth: window of the median in sampled frames, odd; 0 for none.
        constant: time constant of the exponential filter, in seconds; None for none.
        layout: name of a layout (:mod:`mien.table.layouts`); None for mien's own columns.
        overlay: path of the overlay video; None for none.
    """

    smooth: int = 0
    constant: float | None = None
    layout: str | None = None
    overlay: Path | None = None


class Postprocessor:
    """Writes journals of one schema as tables.

    Args:
        options: what to write.
        schema: the schema of the journal.
        tasks: the tasks of its label columns.

    Raises:
        ValueError: if the options do not fit these tasks; the message is one line.
    """

    def __init__(self, options: PostprocessOptions, schema: pa.Schema, tasks: Sequence[Task]) -> None:
        self.options, self.tasks, self._schema = options, tasks, schema
        self._smoother = None
        if options.smooth or options.constant is not None:
            self._smoother = Smoother(schema, tasks, window=options.smooth or 1, constant=options.constant)
        self._layout = Layout(options.layout, tasks) if options.layout else None

    def write(self, journal: Journal, out: Path, errors: Sequence[dict[str, str]] = ()) -> None:
        """Write the table, and its summaries next to it.

        Args:
            journal: the rows.
            out: the table.
            errors: errors for the table's metadata, in the form of :class:`mien.annotate.pipeline.Annotator`.

        Raises:
            OSError: if one of them cannot be written; an existing file is unchanged.
        """
        schema, batches = self._schema, journal.batches()
        if self._smoother:
            schema, batches = self._smoother.schema, self._smoother(batches)
        sums = Summariser(schema, self.tasks)
        batches = _tee(sums.add, batches)
        if self._layout:
            write_table(out, self._layout.schema, map(self._layout, batches), csv_writer)
        else:
            write_table(out, schema.with_metadata({**schema.metadata, b"errors": json.dumps(errors)}), batches)
        write_summary(out, sums.tables(), overwrite=True)

    def draw(self, journal: Journal, sampler: FrameSampler, advance: Callable[[int], object]) -> None:
        """Draw the overlay, if the options have one.

        Raises:
            VideoWriteError: if it cannot be written.
        """
        if self.options.overlay is None:
            return
        panels = faces_at_once(journal.batches())
        size = sampler.width, sampler.height
        with suppress(MediaError):  # damage is already reported; the overlay ends there
            draw_overlay(
                sampler, journal.batches(), self.tasks, self.options.overlay,
                panels=panels, rate=sampler.rate, size=size, overwrite=True, advance=advance,
            )  # fmt: skip


def _tee(add: Callable[[pa.RecordBatch], object], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches unchanged, and pass each to ``add`` first."""
    for batch in batches:
        add(batch)
        yield batch
