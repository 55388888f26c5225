"""FER+ (Barsoum et al. 2016): ten annotators' votes on the photos of FER2013.

Expected in the archive or folder (the file names of the FER+ release, photos exported as its script does):
``fer2013new.csv`` and the folders ``FER2013Train``, ``FER2013Valid``, ``FER2013Test`` with 48 x 48 PNG files.
A row of the table is the usage, the name of the photo (empty for those that the release left out) and ten numbers of
votes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.learn.data.pack.finder import TIGHT
from mien.learn.data.pack.write import Row
from mien.learn.data.sources.shared.files import Fault, number, records, required
from mien.relatedness.affect_prior import CIRCUMPLEX
from mien.tasks import EXPRESSION, FACE

VOTES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
"""The columns of fer2013new.csv in their order; NF is "not a face"."""

TABLE = MARKER = "fer2013new.csv"

FOLDERS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}
SPLITS = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}
"""Usage -> folder, split."""

FINDER = TIGHT
"""Finds a face in 99.3 % of all photos; the others are aligned by the median landmarks."""

METADATA = {
    "source": "FER+ votes (Barsoum et al. 2016) on FER2013 photos (Goodfellow et al. 2013)",
    "licence": "votes MIT; rights in the photos unclear: local use only",
    "weak": {"affect": "vote-weighted circumplex coordinates of the emotion words (Russell & Mehrabian 1977)"},
    "grey": True,
    "keep_unfound": True,
}
"""A photo without a detected face is aligned by the others' landmarks."""

TASKS = FACE


def read(root: Path, fault: Fault) -> Iterator[Row]:
    """Manifest rows of every photo that shows one of the seven expressions.

    The hard label ``expression`` is the majority of all ten vote columns; it is null for a tie and where
    contempt, unknown or NF wins. Votes of a single annotator count as noise, as in the FER+ paper; the
    shares of the other votes among the seven expressions are the soft label, and their circumplex
    coordinates the weak valence and arousal. A photo without a hard label stays only if the seven
    expressions hold at least half of its counted votes. Of a photo that stands there twice the first line counts.

    Raises:
        FileNotFoundError: naming the files that were looked for.
        ValueError: if the table lacks a column.
    """
    table, *folders = required(root, TABLE, *FOLDERS.values())
    places = dict(zip(FOLDERS, folders, strict=True))
    lines: dict[str, int] = {}
    for line, cells in records(table, fault, ("Usage", "Image name", *VOTES)):
        if (usage := cells["Usage"]) not in places:
            fault(f"{table}: line {line}: unknown Usage {usage!r}")
            continue
        votes = np.array([_count(cells[name]) for name in VOTES])
        if np.isnan(votes).any():
            fault(f"{table}: line {line}: the votes of {cells['Image name']!r} are not ten numbers")
            continue
        first = lines.setdefault(f"{usage}/{cells['Image name']}", line)
        if cells["Image name"] and first != line:
            fault(f"{table}: line {line}: {cells['Image name']!r} stands in line {first} already")
            continue
        if not cells["Image name"] or not (labels := _labels(votes)):
            continue
        photo = places[usage] / cells["Image name"]
        if photo.exists():
            yield {"path": str(photo), "split": SPLITS[usage], "dataset": "ferplus", **labels}
        else:
            fault(f"{photo}: no such file")


def _count(text: str) -> float:
    """A number of votes, or NaN."""
    value = number(text)
    return math.nan if value is None or value < 0 else value


def _labels(votes: NDArray[np.float64]) -> Row | None:
    """Label columns of one photo, or None if it shows none of the seven expressions."""
    counted = np.where(votes > 1, votes, 0)
    shares = {name: counted[VOTES.index(name)] for name in EXPRESSION.labels}
    mass = sum(shares.values())
    winners = np.flatnonzero(votes == votes.max())
    winner = VOTES[winners[0]] if winners.size == 1 else None
    if mass == 0 or (winner not in shares and mass < counted.sum() / 2):
        return None
    shares = {name: float(share / mass) for name, share in shares.items()}
    valence, arousal = (sum(share * CIRCUMPLEX[name][axis] for name, share in shares.items()) for axis in (0, 1))
    return {
        "expression": winner if winner in shares else None,
        **shares,
        "valence": valence,
        "arousal": arousal,
    }
