"""The lines that every command that makes a manifest prints at its end."""

from __future__ import annotations

from pathlib import Path


def print_summary(folder: Path) -> None:
    """Print the number of rows of each split, and how many rows each label is known for."""
    from mien.learn.data.manifest.columns import MANIFEST
    from mien.learn.data.manifest.statistics import count

    print(count(folder / MANIFEST).summary(folder))
