"""One video to one table: a journal while it is watched, the table at the end, and on from the journal after a kill."""

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
from mien.media.decode import locate
from mien.media.picture import MediaError
from mien.media.reader import Place
from mien.media.sampler import FrameSampler, is_series
from mien.table.writer import ERRORS, SUMMARIES, WRITERS, TableWriteError
from mien.video.journal import OPTIONS, Journal, refuse_others
from mien.video.postprocess import PostprocessOptions, Postprocessor

SAMPLE = 65_536
"""Bytes at the beginning and at the end of a video by which it is known again, with its length."""


@dataclass(frozen=True)
class Outcome:
    """What became of a video.

    Args:
        status: ``done``, ``complete already``, ``damaged``, ``interrupted`` or ``failed``.
        frames: that were looked at.
        faces: that were read in all of them.
        rows: of the table.
        seconds: from the first of these frames to the last.
        error: one line, or None.
        speed: frames a second that were looked at in this run.
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
        annotator: with the networks, and how the video is watched.
        source: what :class:`mien.media.sampler.FrameSampler` opens.
        out: the table: .parquet, .csv or .jsonl.
        ending: smoothing, layout, overlay.
        overwrite: whether a table and a journal that are there may be replaced; a list of failures beside it goes then.
        resume: go on with the journal that is there, if any.

    Attributes:
        expected: about how many frames will be looked at in all, or None.
        journal: what was done so far.

    Raises:
        MediaError: if the video cannot be opened.
        OSError: if the table cannot be written, or what is there is not this run's; the message is one line.
    """

    def __init__(
        self,
        annotator: Annotator,
        source: str | os.PathLike[str],
        out: str | os.PathLike[str],
        ending: PostprocessOptions | None = None,
        *,
        overwrite: bool = False,
        resume: bool = False,
    ) -> None:
        self.annotator, self.source, self.out = annotator, os.fspath(source), Path(out)
        self.ending, self.part, self._overwrite = ending or PostprocessOptions(), journal_path(self.out), overwrite
        conditions = _conditions(annotator, self.source)
        schema = annotator.video_schema
        schema = schema.with_metadata({**schema.metadata, OPTIONS: json.dumps(conditions)})
        self._finisher = Postprocessor(self.ending, schema, annotator.tasks)
        refuse_existing(self.out, self.ending, overwrite=overwrite, resume=resume)
        if self.ending.overlay and _same(self.ending.overlay, Path(source)):
            raise TableWriteError(f"{self.ending.overlay}: is the video itself")
        with ExitStack() as stack:
            journal = Journal(self.part, schema, resume=True) if resume and self.part.exists() else None
            if journal:
                stack.push(journal)
            place = Place(*journal.last) if journal and journal.last else None
            self.footage = stack.enter_context(self._footage(place))
            self.journal = journal or stack.enter_context(Journal(self.part, schema))
            self._open = stack.pop_all()
        self.begun = self.journal.frames
        self.expected = None if self.footage.expected is None else self.begun + self.footage.expected

    def __call__(
        self, advance: Callable[[int], object] = lambda _: None, drawn: Callable[[int], object] = lambda _: None
    ) -> Outcome:
        """Watch it to its end, and make the table of all that is known then, also after damage or on a full disk.

        Ctrl-C ends it too: the table is made of what was done, but no overlay. The journal is kept unless all went
        well. A fault that nobody foresaw is raised, and leaves the journal alone.

        Args:
            advance: told how many frames were looked at since it was told last.
            drawn: told the same of the overlay.
        """
        status, error, begin = "done", None, time.perf_counter()
        try:
            options, before = self.annotator.video, self.journal.batches()
            with closing(watch(self.annotator, self.footage, options, before=before)) as chunks:  # ends its threads
                for chunk in chunks:
                    self.journal.write([row for result in chunk for row in result.rows])
                    advance(len(chunk))
        except MediaError as fault:
            status, error = "damaged", str(fault)
        except KeyboardInterrupt:
            status = "done" if self.footage.live else "interrupted"  # nothing else ends a camera
        except OSError as fault:
            status, error = "failed", _reason(fault)
        finally:
            passed_over = self.footage.damaged
            self._open.close()
        speed = (self.journal.frames - self.begun) / max(time.perf_counter() - begin, 1e-3)
        try:
            if self.journal.rows:
                errors = [] if error is None else [{"input": self.footage.name, "error": error}]
                self._finisher.write(self.journal, self.out, errors)
                if self._overwrite:
                    self.out.with_suffix(ERRORS).unlink(missing_ok=True)  # of a table of pictures that stood here
            if self.journal.rows and self.ending.overlay and status != "interrupted":
                with self._footage(None) as footage:
                    self._finisher.draw(self.journal, footage, drawn)
        except KeyboardInterrupt:
            status = "interrupted"
        except OSError as fault:
            status, error = "failed", f"{_reason(fault)}; what was done stands in {self.part}"
        if status == "done" or not self.journal.rows:
            self.part.unlink(missing_ok=True)
        if status == "done" and passed_over:  # what can be read was read: there is nothing to go on with
            status, error = "damaged", f"{passed_over} damaged packets or frames were passed over"
        return self._outcome(status, error, speed)

    def _footage(self, after: Place | None) -> FrameSampler:
        options = self.annotator.video
        return FrameSampler(
            self.source, every=options.every, fps=options.fps, start=options.start, end=options.end, after=after
        )

    def _outcome(self, status: str, error: str | None, speed: float) -> Outcome:
        done = self.journal
        seconds = done.last[1] - done.first[1] if done.first and done.last else 0.0
        return Outcome(status, done.frames, done.faces, done.rows, seconds, error, speed)


def _reason(error: OSError) -> str:
    return str(error) if isinstance(error, TableWriteError) else f"cannot write: {error.strerror or error}"


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def journal_path(out: Path) -> Path:
    """Where the journal of a table is."""
    return out.with_name(f"{out.name}.part")


def refuse_existing(out: Path, ending: PostprocessOptions, *, overwrite: bool, resume: bool) -> None:
    """Look before any work begins whether the table and the overlay may be written.

    Raises:
        TableWriteError: if not; the message is one line.
    """
    part = journal_path(out)
    if out.suffix.lower() not in WRITERS:
        raise TableWriteError(f"{out}: the name must end in {', '.join(WRITERS)}")
    if out.is_dir():
        raise TableWriteError(f"{out}: is a folder")
    if ending.layout and out.suffix.lower() != ".csv":
        raise TableWriteError(f"{out}: the layout {ending.layout} is a CSV file; the name must end in .csv")
    for path in filter(None, (out, ending.overlay)):
        if not path.parent.is_dir():
            raise TableWriteError(f"{path}: cannot be written: there is no folder {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise TableWriteError(f"{path}: cannot be written: Permission denied")
    if overwrite or (resume and part.exists()):
        return
    for other in (ending.overlay, *(out.with_suffix(suffix) for suffix in (*SUMMARIES, ERRORS))):
        if other and other.exists():
            raise TableWriteError(f"{other}: already exists (use --overwrite to replace it)")
    if part.exists():
        raise TableWriteError(f"{part}: a run that was broken off (--resume goes on with it, --overwrite begins anew)")
    if out.exists():
        raise TableWriteError(f"{out}: already exists (use --overwrite to replace it)")


def refuse_of_stream(source: str, ending: PostprocessOptions, *, resume: bool) -> None:
    """Look whether more is wanted of a stream or a device than can be had.

    Raises:
        TableWriteError: if so; the message is one line.
    """
    try:
        live = not is_series(source) and locate(source).live
    except MediaError:
        return  # whoever opens it says why not
    if live and (resume or ending.overlay):
        what = "gone on with" if resume else "drawn: that takes a second look"
        raise TableWriteError(f"{source}: a stream cannot be {what}")


def is_complete(annotator: Annotator, source: str, out: Path) -> bool:
    """Whether an earlier run made the whole table.

    A table in Parquet says how it was made, the others cannot.

    Raises:
        TableWriteError: if the table cannot be read; the message is one line.
        JournalError: if it was made with other options, which are named.
    """
    if not out.exists() or journal_path(out).exists():
        return False
    if out.suffix.lower() == ".parquet":
        now = annotator.video_schema.with_metadata({OPTIONS: json.dumps(_conditions(annotator, source))})
        try:
            before = pa.parquet.read_schema(out)
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())
            raise TableWriteError(f"{out}: cannot be read ({reason}); --overwrite begins anew") from None
        refuse_others(out, now.with_metadata(before.metadata), now)
    return True


def _conditions(annotator: Annotator, source: str) -> dict[str, object]:
    """All that the rows depend on, by the names that a refusal shall have."""
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
    """By what a file is known again after it was moved or copied; None for what is no file."""
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
