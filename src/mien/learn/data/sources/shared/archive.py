"""Data sets as folders, or as tar or zip archives."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path


def unpack(source: Path, out: Path, marker: str | None) -> Path:
    """Return the folder that holds ``marker``, in ``source`` or, if that is an archive, unpacked into ``out/photos``.

    Args:
        source: a folder or a tar or zip archive.
        out: the folder of the new manifest.
        marker: a path inside the data set, as a glob pattern. If it is not found, the top folder is returned, so that
            the reader reports what is missing. None returns the folder itself, or the only folder in the archive.

    Raises:
        ValueError: if ``source`` is neither a folder nor an archive, or is a damaged archive.
        OSError: if it cannot be opened.
    """
    root = source
    if not source.is_dir():
        root = out / "photos"
        _extract(source, root)
        if marker is None and len(inner := list(root.iterdir())) == 1 and inner[0].is_dir():
            root = inner[0]
    if marker is None:
        return root
    depth = marker.count("/")
    return next((path.parents[depth] for path in sorted(root.rglob(marker))), root)


def _extract(source: Path, root: Path) -> None:
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                archive.extractall(root)
            return
        with tarfile.open(source) as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # missing in early releases of Python 3.10
            tar.extractall(root)
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise ValueError(f"{source}: the archive is truncated or damaged ({error})") from None
    except tarfile.TarError as error:
        reason = "; ".join(line.strip(" -") for line in str(error).splitlines())
        raise ValueError(f"{source}: neither a folder nor an archive ({reason})") from None
