"""Checks before a run: whether its outputs may be written, and whether a stream supports its options."""

from __future__ import annotations

import os
from pathlib import Path

from mien.media.decode import locate
from mien.media.picture import MediaError
from mien.media.sampler import is_sequence
from mien.table.writer import ERRORS, SUMMARIES, WRITERS, TableWriteError
from mien.video.postprocess import PostprocessOptions


def journal_path(out: Path) -> Path:
    """The path of a table's journal."""
    return out.with_name(f"{out.name}.part")


def refuse_existing(out: Path, postprocess: PostprocessOptions, *, overwrite: bool, resume: bool) -> None:
    """Check that the table and the overlay may be written.

    Raises:
        TableWriteError: if not; the message is one line.
    """
    part = journal_path(out)
    if out.suffix.lower() not in WRITERS:
        raise TableWriteError(f"{out}: the name must end in {', '.join(WRITERS)}")
    if out.is_dir():
        raise TableWriteError(f"{out}: is a folder")
    if postprocess.layout and out.suffix.lower() != ".csv":
        raise TableWriteError(f"{out}: layout {postprocess.layout} is CSV; the name must end in .csv")
    for path in filter(None, (out, postprocess.overlay)):
        if not path.parent.is_dir():
            raise TableWriteError(f"{path}: cannot be written: no folder {path.parent}")
        if not os.access(path.parent, os.W_OK):
            raise TableWriteError(f"{path}: cannot be written: Permission denied")
    if overwrite or (resume and part.exists()):
        return
    if part.exists():
        raise TableWriteError(f"{out}: unfinished (use --resume to continue, --overwrite to start over)")
    for file in (out, postprocess.overlay, *(out.with_suffix(suffix) for suffix in (*SUMMARIES, ERRORS))):
        if file and file.exists():
            raise TableWriteError(f"{file}: already exists (use --overwrite to replace it)")


def refuse_stream(source: str, postprocess: PostprocessOptions, *, resume: bool) -> None:
    """Check that a stream or a device is not asked for what only a file can give.

    Raises:
        TableWriteError: if it is; the message is one line.
    """
    try:
        live = not is_sequence(source) and locate(source).live
    except MediaError:
        return  # reported when it is opened
    if live and resume:
        raise TableWriteError(f"{source}: a stream cannot be resumed")
    if live and postprocess.overlay:
        raise TableWriteError(f"{source}: a stream cannot have an overlay, which needs a second pass")
