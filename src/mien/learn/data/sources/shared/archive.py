"""Data sets come as a folder or as a tar or zip archive of it."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path


def unpack(source: Path, out: Path, marker: str | None) -> Path:
    """The folder that holds ``marker``: in ``source``, or in its contents, unpacked into ``out/photos``.

    Args:
        source: a folder or a tar or zip archive.
        out: the folder of the manifest to be.
        marker: a path inside the data set, as a glob pattern; without it the top folder is given back, for the reader
            to say what it lacks. None: the folder itself, of an archive the one folder in it, if there is nothing else.

    Raises:
        ValueError: if ``source`` is neither a folder nor an archive, or an archive that is damaged; one line.
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
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # early releases of 3.10 lack it
            tar.extractall(root)
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise ValueError(f"{source}: the archive is cut short or damaged ({error})") from None
    except tarfile.TarError as error:
        reason = "; ".join(line.strip(" -") for line in str(error).splitlines())
        raise ValueError(f"{source}: neither a folder nor an archive ({reason})") from None


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few of many names, for a message of one line: ``a, b, c and 4 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
