"""The log of a run: a CSV file with one row per epoch that survives a kill and is cut back on resume."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mien.atomic import replacing


class RunningMeans:
    """Mean of each loss over the steps in which it was present; exact across a resume."""

    def __init__(self, state: Mapping[str, list[float]] | None = None) -> None:
        self._sums = {name: (total, int(count)) for name, (total, count) in (state or {}).items()}

    def add(self, values: Mapping[str, float]) -> None:
        """Add the losses of one step."""
        for name, value in values.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + value, count + 1)

    def values(self) -> dict[str, float]:
        """The means so far."""
        return {name: total / count for name, (total, count) in self._sums.items()}

    def prefixed(self, prefix: str) -> dict[str, float]:
        """The means so far, with a prefix to their names."""
        return {prefix + name: value for name, value in self.values().items()}

    def state(self) -> dict[str, list[float]]:
        """Sums and counts as JSON-ready data."""
        return {name: list(entry) for name, entry in self._sums.items()}


def append(path: Path, row: Mapping[str, float]) -> None:
    """Append a row; a new column, for a loss that is seen for the first time, is added to all rows."""
    _write(path, [*_read(path), row])


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the log atomically: a kill leaves the old one or the new one."""
    columns = list(dict.fromkeys(name for each in rows for name in each))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, columns)
        writer.writeheader()
        writer.writerows(rows)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def cut(path: Path, step: int) -> None:
    """Drop the rows that a killed run logged after its last checkpoint."""
    rows = [row for row in _read(path) if int(row["step"]) <= step]
    if rows:
        _write(path, rows)
    else:
        path.unlink(missing_ok=True)
