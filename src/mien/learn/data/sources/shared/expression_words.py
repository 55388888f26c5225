"""Expressions as the words and numbers of releases say them, in ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mien.learn.data.sources.shared.copies import DEPTH, folders, walk
from mien.media.picture import SUFFIXES

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
"""Word of a release -> label of our task; contempt is none of the seven."""

FER2013 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The codes 0 to 6 of FER2013."""

SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "publictest": "valid",
    "test": "test",
    "testing": "test",
    "privatetest": "test",
}
"""Folder, or usage in a table -> split."""


def labelled(root: Path) -> Iterator[tuple[Path, str, str | None]]:
    """Picture, split and label of each picture in a folder that is called as an expression.

    These folders lie in ``root``, in folders of splits (``train/happy``), or in one more folder around them. Without a
    split's folder the split is all. The label is None for contempt. There is nothing if there are no such folders.
    """
    level = [root]
    for _ in range(DEPTH + 1):
        found = [(folder, split) for place in level for folder, split in _named(place)]
        if found:
            for folder, split in found:
                for _, files in walk(folder):
                    for path in files:
                        if path.suffix.lower() in SUFFIXES:
                            yield path, split, WORDS[folder.name.lower()]
            return
        level = [inner for place in level for inner in folders(place)]


def _named(place: Path) -> list[tuple[Path, str]]:
    """The folders of a place that are called as an expression, or those in its folders of splits; and their splits."""
    inner = folders(place)
    if own := [(folder, "all") for folder in inner if folder.name.lower() in WORDS]:
        return own
    parts = [(folder, SPLITS[folder.name.lower()]) for folder in inner if folder.name.lower() in SPLITS]
    return [(folder, split) for part, split in parts for folder in folders(part) if folder.name.lower() in WORDS]
