"""Annotates a video into a table: rows go to a journal, which survives a kill and becomes the table at the end."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from mien import __version__
from mien.annotate.pipeline import Annotator
from mien.annotate.watch import watch
from mien.media.mp4 import VideoWriteError
from mien.media.picture import MediaError
from mien.media.reader import Position
from mien.media.sampler import FrameSampler
from mien.table.writer import ERRORS, TableWriteError
from mien.video.checks import journal_path, refuse_existing
from mien.video.journal import OPTIONS, Journal, refuse_others
from mien.video.postprocess import PostprocessOptions, Postprocessor

SAMPLE = 65_536
"""Number of bytes at the start and at the end of a video that, with its length, identify it."""


@dataclass(frozen=True)
class VideoResult:
    """The result of annotating a video.

    Args:
        status: ``done``, ``complete already``, ``damaged``, ``interrupted`` or ``failed``.
        frames: number of annotated frames.
        faces: number of faces in them.
        rows: number of rows of the table.
        seconds: time from the first of these frames to the last.
        error: one line, or None.
        speed: frames per second that this run annotated.
    """

    status: str
    frames: int = 0
    faces: int = 0
    rows: int = 0
    seconds: float = 0.0
    error: str | None = None
    speed: float = 0.0


class VideoRun:
    """The annotation of one video into a table.

    Args:
        annotator: the networks, and which frames of the video are read.
        source: what :class:`mien.media.sampler.FrameSampler` opens.
        out: the table: .parquet, .csv or .jsonl.
        postprocess: smoothing, layout and overlay.
        overwrite: replace an existing table and journal, and remove the list of failures next to the table.
        resume: continue the existing journal, if any.

    Attributes:
        expected: approximate number of frames to annotate, including those of earlier runs; None if unknown.
        resumed: number of frames that earlier runs annotated.
        journal: the rows so far.

    Raises:
        MediaError: if the video cannot be opened.
        OSError: if the table cannot be written or belongs to another run; the message is one line.

    Example:
        >>> run = VideoRun(Annotator(), "talk.mp4", "talk.parquet", resume=True)  # doctest: +SKIP
        >>> run().status  # doctest: +SKIP
        'done'
    """

    def __init__(
        self,
        annotator: Annotator,
        source: str | os.PathLike[str],
        out: str | os.PathLike[str],
        postprocess: PostprocessOptions | None = None,
        *,
        overwrite: bool = False,
        resume: bool = False,
    ) -> None:
        self.annotator, self.source, self.out = annotator, os.fspath(source), Path(out)
        self.part, self._overwrite = journal_path(self.out), overwrite
        self.postprocess = postprocess or PostprocessOptions()
        conditions = _conditions(annotator, self.source)
        schema = annotator.video_schema
        schema = schema.with_metadata({**schema.metadata, OPTIONS: json.dumps(conditions)})
        self._postprocessor = Postprocessor(self.postprocess, schema, annotator.tasks)
        refuse_existing(self.out, self.postprocess, overwrite=overwrite, resume=resume)
        overlay = self.postprocess.overlay
        if overlay and _same(overlay, Path(source)):
            raise VideoWriteError(f"{overlay}: is the input video; choose another file for the overlay")
        with ExitStack() as stack:
            journal = Journal(self.part, schema, resume=True) if resume and self.part.exists() else None
            if journal:
                stack.push(journal)
            after = Position(*journal.last) if journal and journal.last else None
            self.sampler = stack.enter_context(self._sampler(after))
            self.journal = journal or stack.enter_context(Journal(self.part, schema))
            self._open = stack.pop_all()
        self.resumed = self.journal.frames
        self.expected = None if self.sampler.expected is None else self.resumed + self.sampler.expected

    def __call__(
        self,
        advance: Callable[[int], object] = lambda _: None,
        drawn: Callable[[int], object] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> VideoResult:
        """Annotate to the end of the video, then write the table; also after damage, Ctrl-C, or on a full disk.

        After Ctrl-C, the table has the frames so far, and no overlay is drawn. The journal is kept unless the run
        succeeds. An unexpected error is raised, and leaves the journal as it is.

        Args:
            advance: called with the number of frames annotated since the last call.
            drawn: the same for the overlay.
            stop: checked after each chunk of frames; once it returns True, the run ends as after Ctrl-C.
        """
        start = time.perf_counter()
        status, error, skipped = self._annotate(advance, stop)
        speed = (self.journal.frames - self.resumed) / max(time.perf_counter() - start, 1e-3)
        try:
            self._write(error)
            if status != "interrupted":
                self._draw(drawn, stop)
        except KeyboardInterrupt:
            status = "interrupted"
        except OSError as failure:
            status, error = "failed", f"{_reason(failure)}; finished frames are kept in {self.part}"
        if status == "done" or not self.journal.rows:
            self.part.unlink(missing_ok=True)
        if status == "done" and skipped:  # all that is readable was read: there is nothing to resume
            status, error = "damaged", f"skipped {skipped} damaged packets or frames"
        return self._result(status, error, speed)

    def _annotate(self, advance: Callable[[int], object], stop: Callable[[], bool]) -> tuple[str, str | None, int]:
        """Annotate into the journal; return the status, the error, and the number of damaged packets or frames."""
        status, error = "done", None
        options, before = self.annotator.video, self.journal.batches()
        try:
            with closing(watch(self.annotator, self.sampler, options, before=before)) as chunks:  # to end its threads
                _check(stop)
                for chunk in chunks:
                    self.journal.write([row for result in chunk for row in result.rows])
                    advance(len(chunk))
                    _check(stop)
        except MediaError as damage:
            status, error = "damaged", str(damage)
        except KeyboardInterrupt:
            status = "done" if self.sampler.live else "interrupted"  # a camera has no other end
        except OSError as failure:
            status, error = "failed", _reason(failure)
        finally:
            skipped = self.sampler.damaged
            self._open.close()
        return status, error, skipped

    def _write(self, error: str | None) -> None:
        """Write the table and its summaries, if there are rows."""
        if self.journal.rows:
            errors = [] if error is None else [{"input": self.sampler.name, "error": error}]
            self._postprocessor.write(self.journal, self.out, errors)
            if self._overwrite:
                self.out.with_suffix(ERRORS).unlink(missing_ok=True)  # left by a table of pictures of this name

    def _draw(self, drawn: Callable[[int], object], stop: Callable[[], bool]) -> None:
        """Draw the overlay, if there is one."""

        def advance(count: int) -> None:
            drawn(count)
            _check(stop)

        if self.journal.rows and self.postprocess.overlay:
            with self._sampler(None) as sampler:
                self._postprocessor.draw(self.journal, sampler, advance)

    def _sampler(self, after: Position | None) -> FrameSampler:
        options = self.annotator.video
        return FrameSampler(
            self.source, every=options.every, fps=options.fps, start=options.start, end=options.end, after=after
        )

    def _result(self, status: str, error: str | None, speed: float) -> VideoResult:
        journal = self.journal
        seconds = journal.last[1] - journal.first[1] if journal.first and journal.last else 0.0
        return VideoResult(status, journal.frames, journal.faces, journal.rows, seconds, error, speed)


def _check(stop: Callable[[], bool]) -> None:
    if stop():
        raise KeyboardInterrupt


def _reason(error: OSError) -> str:
    known = isinstance(error, (TableWriteError, VideoWriteError))
    return str(error) if known else f"cannot write: {error.strerror or error}"


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def is_complete(annotator: Annotator, source: str, out: Path) -> bool:
    """Whether an earlier run completed the table.

    Only a Parquet table records the options it was made with; for other formats they are not compared.

    Raises:
        TableWriteError: if the table cannot be read; the message is one line.
        JournalError: if it was made with other options; the message names them.
    """
    if not out.exists() or journal_path(out).exists():
        return False
    if out.suffix.lower() == ".parquet":
        now = annotator.video_schema.with_metadata({OPTIONS: json.dumps(_conditions(annotator, source))})
        try:
            before = pa.parquet.read_schema(out)
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())
            raise TableWriteError(f"{out}: cannot be read ({reason}); use --overwrite to start over") from None
        refuse_others(out, now.with_metadata(before.metadata), now)
    return True


def _conditions(annotator: Annotator, source: str) -> dict[str, object]:
    """Everything the rows depend on, under the names that error messages use."""
    return {
        "input": source,
        "video": _fingerprint(source),
        "model": annotator.model.digest[:16],
        "detector": type(annotator.detector).__name__,
        "min_size": annotator.min_size,
        "batch_size": annotator.batch_size,
        "compounds": annotator.compounds and annotator.compounds.to_json(),
        **asdict(annotator.video),
        "version": __version__,
    }


def _fingerprint(source: str) -> str | None:
    """A digest that identifies a file even after it is moved or copied; None if it is not a file."""
    try:
        with Path(source).open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            digest = hashlib.sha256(str(size).encode())
            for start in (0, max(0, size - SAMPLE)):
                file.seek(start)
                digest.update(file.read(SAMPLE))
    except (OSError, ValueError):
        return None
    return digest.hexdigest()[:16]
