"""What an import could not use: a few lines of each kind are shown, all are written down and counted."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

SHOWN = 20
"""Lines of each kind of reason that are shown."""

KINDS, OTHER = 100, "other reasons"
"""So many kinds are told apart."""

FAULTS = "import.faults.txt"
"""The file beside the manifest with all lines."""

PLACE = re.compile(r"line \d+|row \d+|frame \d+|photo \d+|\S*[/\\.]\S*|.*[/\\].*")
"""What says where, not why."""

VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\S*[/\\]\S*|[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")
"""What differs between two faults of one kind: quoted words, paths, numbers."""


class Faults:
    """Counts faults by their kind; call it with a line for each.

    Args:
        show: called with each line that shall be seen at once.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self.show, self.kinds = show, Counter[str]()
        self._lines = tempfile.SpooledTemporaryFile(1 << 20, "w+", encoding="utf-8")  # noqa: SIM115

    def __call__(self, line: str) -> None:
        """Note a line; the first :data:`SHOWN` of its kind are shown."""
        kind = kind_of(line)
        kind = kind if kind in self.kinds or len(self.kinds) < KINDS else OTHER
        self._lines.write(line.replace("\n", " ") + "\n")
        self.kinds[kind] += 1
        if self.kinds[kind] <= SHOWN:
            self.show(line)

    def close(self, folder: Path | None) -> None:
        """Write all lines beside the manifest (None: there is none), and show how many of each kind were not shown."""
        there = ""
        if folder is not None:
            path = folder / FAULTS
            path.unlink(missing_ok=True)
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
    """The reason of a line without places, quoted words and numbers: the same for faults of one kind."""
    parts = line.split(": ")
    while len(parts) > 1 and PLACE.fullmatch(parts[0]):
        parts.pop(0)
    return re.sub(r"\s+", " ", VARIABLE.sub("…", ": ".join(parts))).strip()
