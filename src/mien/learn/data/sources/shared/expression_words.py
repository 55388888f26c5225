"""The words and numbers that releases use for expressions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.sources.shared.release_files import DEPTH, folders, pictures
from mien.learn.data.sources.shared.splits import SPLIT_NAMES

WORDS = {
    "neutral": "neutral",
    "anger": "anger",
    "angry": "anger",
    "disgust": "disgust",
    "disgusted": "disgust",
    "fear": "fear",
    "fearful": "fear",
    "happiness": "happiness",
    "happy": "happiness",
    "sadness": "sadness",
    "sad": "sadness",
    "surprise": "surprise",
    "surprised": "surprise",
    "contempt": None,
}
"""Word of a release -> label of our task; contempt is not one of the seven."""

FER2013 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The codes 0 to 6 of FER2013."""


def labelled(root: Path) -> Iterator[tuple[Path, str, str | None]]:
    """Yield picture, split and label of each picture in a folder named after an expression.

    These folders are in ``root``, in folders of splits (``train/happy``), or up to three levels deeper. Without folders
    of splits the split is all. The label is None for contempt. Nothing is yielded if there are no such folders.
    """
    level = [root]
    for _ in range(DEPTH + 1):
        found = [(folder, split) for place in level for folder, split in _named(place)]
        if found:
            for folder, split in found:
                yield from ((path, split, WORDS[folder.name.lower()]) for path in pictures(folder))
            return
        level = [inner for place in level for inner in folders(place)]


def _named(place: Path) -> list[tuple[Path, str]]:
    """Return folder and split of the folders named after an expression, here or in folders of splits."""
    inner = folders(place)
    if own := [(folder, "all") for folder in inner if folder.name.lower() in WORDS]:
        return own
    parts = [(folder, SPLIT_NAMES[folder.name.lower()]) for folder in inner if folder.name.lower() in SPLIT_NAMES]
    return [(folder, split) for part, split in parts for folder in folders(part) if folder.name.lower() in WORDS]
