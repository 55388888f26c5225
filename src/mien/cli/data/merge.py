"""``mien data merge``."""

from __future__ import annotations

from mien.cli.options import DataFolder, Manifests, Overwrite
from mien.cli.terminal import needs_extra, progress, refusals, refuse_existing


def merge(manifests: Manifests, folder: DataFolder, overwrite: Overwrite = False) -> None:
    """Merge manifests and their packs into one.

    Subjects and videos get the name of their data set as a prefix, as in ferplus:12. Excluded rows are not copied.

    Example:
      mien data merge build/ferplus build/renders build/both
    """
    with needs_extra(), refusals():
        from mien.learn.data.manifest import MANIFEST
        from mien.learn.data.manifest.merge import merge

        if len(manifests) < 2:
            raise ValueError("mien data merge needs two manifests or more, and a folder")
        inputs = [each.resolve() for path in manifests for each in (path, path.parent)]
        if folder.resolve() not in inputs:  # `merge` reports what is wrong with it
            refuse_existing(folder / MANIFEST, overwrite=overwrite)
        with progress("copying", None) as advance:
            rows = merge(manifests, folder, advance)
        print(f"{rows} rows in {folder}")
