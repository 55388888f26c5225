"""Inputs: pictures, videos, folders, globs, a list on standard input, arrays, PIL images."""

from __future__ import annotations

# os.path returns False where pathlib raises: in a forbidden folder, or for an overlong name.
# ruff: noqa: PTH100, PTH110, PTH112, PTH113, PTH118, PTH122, PTH123, PTH207
import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy import ndarray
from numpy.typing import NDArray
from PIL import Image

from mien.media.picture import SUFFIXES, VIDEOS, MediaError

SEQUENCE = re.compile(r"%0?\d*d")
"""The placeholder for the frame number in the path of a sequence of pictures."""


@dataclass(frozen=True)
class Source:
    """A picture or video to read.

    Args:
        name: the value of the column ``input``: the path, or ``input 3`` for the fourth item of a list.
        item: a path, an array, a PIL image, or the error of a folder or glob without pictures.
        video: whether it is a video.
    """

    name: str
    item: object
    video: bool = False


Input: TypeAlias = str | os.PathLike[str] | NDArray[Any] | Image.Image | Source
Inputs: TypeAlias = Input | Iterable[Input]


def is_single(inputs: Inputs) -> bool:
    """Whether ``inputs`` is one input rather than a list; a folder is one input."""
    things = (str, bytes, os.PathLike, ndarray, Image.Image, Source)
    return inputs is None or isinstance(inputs, things) or hasattr(inputs, "read")


def expand(inputs: Inputs, *, distinct: bool = False) -> Iterator[Source]:
    """Yield the pictures and videos in the order given; those of a folder or a glob are sorted.

    A folder yields the pictures and videos in it and its subfolders, recognised by their suffixes; hidden ones are
    skipped. ``-`` reads a list from standard input, one path per line. If ``distinct``, repeated paths are skipped. A
    folder or glob without any files yields a source whose item is a :class:`MediaError`, so that the error is reported
    and the other inputs are still read.

    Example:
        >>> [source.name for source in expand(["a.png", "talk.mp4"])]
        ['a.png', 'talk.mp4']
    """
    seen: set[str] = set()
    for index, item in enumerate([inputs] if is_single(inputs) else inputs):  # type: ignore[arg-type]
        if not isinstance(item, (str, os.PathLike)):
            yield item if isinstance(item, Source) else Source(f"input {index}", item)
            continue
        for found in _standard_input() if item == "-" else [os.fspath(item)]:
            for source in _sources(found):
                path = os.path.abspath(source.item if isinstance(source.item, str) else source.name)
                if not (distinct and path in seen):
                    yield source
                seen.add(path)


def is_video(path: str) -> bool:
    """Whether a path is a video: by suffix, as a GIF of several frames, or as a sequence such as ``shot_%04d.png``."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".gif" and os.path.isfile(path):
        try:
            with open(path, "rb") as stream, Image.open(stream, formats=["GIF"]) as image:
                return bool(getattr(image, "is_animated", False))
        except Exception:  # reported when it is read as a picture
            return False
    return suffix in VIDEOS or (suffix in SUFFIXES and SEQUENCE.search(path) is not None and not os.path.exists(path))


def _standard_input() -> Iterator[str]:
    return (line for line in map(_decode_line, sys.stdin.buffer) if line.strip())


def _decode_line(line: bytes) -> str:
    """Decode a file name, which need not be valid Unicode."""
    return os.fsdecode(line).rstrip("\r\n").removeprefix("\ufeff")


def _sources(path: str) -> list[Source]:
    """The sources of one path, folder or glob."""
    try:
        if os.path.isdir(path):
            unlisted: list[OSError] = []
            files = list(_below(path, unlisted))
            closed = [Source(_printable(str(e.filename)), MediaError(f"cannot list: {e.strerror}")) for e in unlisted]
            found = _sorted(files, "no pictures or videos in this folder", may_be_empty=bool(closed))
            return [_named(file) for file in found] + closed
        if not os.path.exists(path) and glob.has_magic(path):
            return [_named(file) for file in _sorted(glob.iglob(path, recursive=True), "no pictures or videos match")]
    except MediaError as error:
        return [Source(_printable(path), error)]
    return [_named(path)]


def _sorted(files: Iterable[str], reason: str, *, may_be_empty: bool = False) -> list[str]:
    known = SUFFIXES | VIDEOS
    found = sorted(file for file in files if os.path.splitext(file)[1].lower() in known and os.path.isfile(file))
    if not found and not may_be_empty:
        raise MediaError(reason)
    return found


def _below(folder: str, unlisted: list[OSError]) -> Iterator[str]:
    """Files in a folder and its subfolders, without hidden ones and linked folders; ``unlisted`` receives errors."""
    for here, folders, files in os.walk(folder, onerror=unlisted.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(here, name) for name in files if not name.startswith("."))


def _named(path: str) -> Source:
    return Source(_printable(path), path, is_video(path))


def _printable(path: str) -> str:
    """The path as valid Unicode, because a table cannot hold invalid bytes of a file name."""
    return os.fsencode(path).decode("utf-8", "replace")
