"""From the journal of a video to what is kept of it: smoothing, layout, table, summaries, overlay; each in one pass."""

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
    """What is made of the rows of a video when they are there; none of it changes the rows.

    Args:
        smooth: window of the median in looked-at frames, odd; 0 for none.
        constant: of the exponential filter, in seconds; None for none.
        layout: None for mien's own columns, or the name of a layout (:mod:`mien.table.layouts`).
        overlay: also draw the video into this file.
    """

    smooth: int = 0
    constant: float | None = None
    layout: str | None = None
    overlay: Path | None = None


class Postprocessor:
    """Turns journals of one schema into tables.

    Args:
        ending: what is wanted.
        schema: of the journal.
        tasks: whose columns it has.

    Raises:
        ValueError: if the ending cannot be had of these tasks; the message is one line.
    """

    def __init__(self, ending: PostprocessOptions, schema: pa.Schema, tasks: Sequence[Task]) -> None:
        self.ending, self.tasks, self._schema = ending, tasks, schema
        self._smoother = None
        if ending.smooth or ending.constant is not None:
            self._smoother = Smoother(schema, tasks, window=ending.smooth or 1, constant=ending.constant)
        self._layout = Layout(ending.layout, tasks) if ending.layout else None

    def write(self, journal: Journal, out: Path, errors: Sequence[dict[str, str]] = ()) -> None:
        """The table, and its summaries beside it.

        Args:
            journal: of the rows.
            out: the table.
            errors: for the table's metadata, as :class:`mien.annotate.pipeline.Annotator` has them.

        Raises:
            OSError: if one of them cannot be written; what stood in its place before still does.
        """
        schema, batches = self._schema, journal.batches()
        if self._smoother:
            schema, batches = self._smoother.schema, self._smoother(batches)
        sums = Summariser(schema, self.tasks)
        batches = _through(sums.add, batches)
        if self._layout:
            write_table(out, self._layout.schema, map(self._layout, batches), csv_writer)
        else:
            write_table(out, schema.with_metadata({**schema.metadata, b"errors": json.dumps(errors)}), batches)
        write_summary(out, sums.tables(), overwrite=True)

    def draw(self, journal: Journal, footage: FrameSampler, advance: Callable[[int], object]) -> None:
        """The overlay, if one is wanted.

        Raises:
            TableWriteError: if it cannot be written.
        """
        if self.ending.overlay is None:
            return
        panels = faces_at_once(journal.batches())
        size = footage.width, footage.height
        with suppress(MediaError):  # damage was told before; the overlay ends there
            draw_overlay(
                footage, journal.batches(), self.tasks, self.ending.overlay,
                panels=panels, rate=footage.rate, size=size, overwrite=True, advance=advance,
            )  # fmt: skip


def _through(look: Callable[[pa.RecordBatch], object], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches as they are; each is looked at as it passes."""
    for batch in batches:
        look(batch)
        yield batch
