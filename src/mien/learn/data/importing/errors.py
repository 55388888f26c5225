"""Collect the errors of an import: show some lines of each kind, count them all, and write them to a file."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

SHOWN = 20
"""Number of lines of each kind that are shown."""

KINDS, OTHER = 100, "other reasons"
"""Number of kinds that are counted separately, and the name for the rest."""

ERRORS = "import.errors.txt"
"""The file next to the manifest with all lines."""

EARLIER = "import.faults.txt"
"""The name of the same file in earlier versions of mien; a new import removes it."""

PLACE = re.compile(r"line \d+|row \d+|frame \d+|photo \d+|\S*[/\\.]\S*|.*[/\\].*")
"""Parts of a line that name a place, not a reason."""

VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\S*[/\\]\S*|[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
"""Parts that differ between lines of one kind: quoted words, paths, numbers."""


class ImportErrors:
    """Counts the unusable rows and pictures of an import by kind; call it with one line for each.

    Args:
        show: called with each line to print immediately.

    Attributes:
        kinds: the number of lines of each kind.

    Example:
        >>> errors = ImportErrors(print)
        >>> errors("photos/a.png: not a readable image")
        photos/a.png: not a readable image
        >>> errors.close(None)
        >>> dict(errors.kinds)
        {'not a readable image': 1}
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self.show, self.kinds = show, Counter[str]()
        self._lines = tempfile.SpooledTemporaryFile(1 << 20, "w+", encoding="utf-8")  # noqa: SIM115

    def __call__(self, line: str) -> None:
        """Add a line; the first :data:`SHOWN` of its kind are shown."""
        kind = kind_of(line)
        kind = kind if kind in self.kinds or len(self.kinds) < KINDS else OTHER
        self._lines.write(line.replace("\n", " ") + "\n")
        self.kinds[kind] += 1
        if self.kinds[kind] <= SHOWN:
            self.show(line)

    def close(self, folder: Path | None) -> None:
        """Write all lines to the manifest's folder, if there is one, and print how many were not shown."""
        there = ""
        if folder is not None:
            path = folder / ERRORS
            for stale in (path, folder / EARLIER):
                stale.unlink(missing_ok=True)
            there = f" (all are in {path})"
            if self.kinds:
                self._lines.seek(0)
                with path.open("w", encoding="utf-8") as file:
                    shutil.copyfileobj(self._lines, file)
        self._lines.close()
        for kind, count in self.kinds.items():
            if count > SHOWN:
                self.show(f"and {count - SHOWN} more: {kind}{there}")


def kind_of(line: str) -> str:
    """The reason in a line, without places, quoted words and numbers; it is the same for all lines of one kind.

    Example:
        >>> kind_of("labels.csv: line 12: valence '1.5' is outside [-1, 1]")
        'valence … is outside […, …]'
    """
    parts = line.split(": ")
    while len(parts) > 1 and PLACE.fullmatch(parts[0]):
        parts.pop(0)
    return re.sub(r"\s+", " ", VARIABLE.sub("…", ": ".join(parts))).strip()
