"""Divide people and pictures into splits: by a hash, by a list, or by the names of folders."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mien.learn.data.sources.shared.release_files import Report
from mien.learn.data.sources.shared.text_files import lines

SPLITS = ("train", "valid", "test", "all")

SPLIT_NAMES = {
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
"""Name of a folder, or usage in a table -> split."""


def share(key: str, seed: int = 0) -> float:
    """Return an evenly distributed number in [0, 1) that depends only on key and seed: adding keys changes no other."""
    return _fraction(f"{seed} {key}")


def train_or_valid(key: str, validation: float) -> str:
    """Return train or valid, by a hash of a person or picture: the same key is always in the same split."""
    return "valid" if _fraction(key) < validation else "train"


def deal(keys: Sequence[str], *, valid: float, test: float, seed: int = 0) -> dict[str, str]:
    """Return a split for each picture of one identity, so that the identity is in every split if possible.

    The keys are ordered by their hash. The share ``valid`` of them, at least one, goes to valid, the share ``test``, at
    least one, to test, and the rest to train. Of two keys, one is for train and one for test; a single key is for
    train.
    """
    order = sorted(keys, key=lambda key: share(key, seed))
    last = 0 if len(order) < 2 or not test else max(1, round(test * len(order)))
    middle = 0 if len(order) < 3 or not valid else max(1, round(valid * len(order)))
    names = ["test"] * last + ["valid"] * middle
    return dict(zip(order, names + ["train"] * (len(order) - len(names)), strict=True))


def read_subject_splits(path: Path, report: Report) -> dict[str, str]:
    """Read subject -> split from a text file with lines ``subject split``, separated by a comma or spaces.

    A line without a split, and a duplicate subject, are reported.

    Raises:
        OSError: if the file cannot be opened.
    """
    found: dict[str, str] = {}
    for number, text in lines(path, report):
        cells = text.replace(",", " ").split()
        if len(cells) != 2 or cells[1].lower() not in SPLITS:
            report(f"{path}: line {number}: {text.strip()!r} is not a subject and one of {', '.join(SPLITS)}")
        elif cells[0] in found:
            report(f"{path}: line {number}: duplicate subject {cells[0]}")
        else:
            found[cells[0]] = cells[1].lower()
    return found


def _fraction(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
