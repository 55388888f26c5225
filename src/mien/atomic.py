"""Files that are replaced in one step: after a kill, a file is the old one or the new one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a partial file to write; it replaces ``path`` at the end of the block, or is removed on errors.

    Example:
        >>> with replacing(Path("scores.csv")) as partial:  # doctest: +SKIP
        ...     partial.write_text("name,score")
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, in one step."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
