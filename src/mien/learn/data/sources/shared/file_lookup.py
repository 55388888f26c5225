"""Look up files by name, regardless of case and, for pictures, of the suffix."""

from __future__ import annotations

from pathlib import Path

from mien.learn.data.sources.shared.release_files import visible

ENDINGS = (".jpg", ".png", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
"""Suffixes that are tried for a picture that does not exist under its own: copies are often converted."""


class FileLookup:
    """Look up files in folders that are listed once each, so that 200,000 names need a few listings only.

    Every listing is kept as long as the object exists, because lists of labels name folders in any order. Names are
    kept instead of paths: the names of half a million files take about 80 MB.

    Example:
        >>> lookup = FileLookup()
        >>> lookup.find(Path("photos/a.jpg"))  # photos holds A.PNG
        PosixPath('photos/A.PNG')
    """

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, str]] = {}

    def names(self, folder: Path) -> dict[str, str]:
        """Return the visible files of a folder, in order: lower-case name -> name. Empty if there is no such folder."""
        if folder not in self._names:
            self._names[folder] = {name.lower(): name for name in visible(folder, folders=False)}
        return self._names[folder]

    def find(self, path: Path) -> Path | None:
        """Return the file, in any case; otherwise a picture of this name with another suffix; otherwise None."""
        names, name = self.names(path.parent), path.name.lower()
        stem = name.rpartition(".")[0] or name
        found = names.get(name) or next((names[stem + end] for end in ENDINGS if stem + end in names), None)
        return None if found is None else path.parent / found
