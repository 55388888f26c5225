"""FER+ (Barsoum et al. 2016): the votes of ten annotators on the photos of FER2013.

Expected layout (file names of the FER+ release, photos as exported by its script): ``fer2013new.csv`` and the folders
``FER2013Train``, ``FER2013Valid``, ``FER2013Test`` with PNG files of 48 x 48 pixels. A row of the table is the usage,
the name of the photo (empty if the release removed it) and ten numbers of votes.

Valence and arousal are weak: they are computed from the votes. The votes are MIT-licensed; the rights in the photos are
unclear.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.learn.data.manifest.columns import Row
from mien.learn.data.pack.finder import TIGHT
from mien.learn.data.sources.shared.release_files import Report, required
from mien.learn.data.sources.shared.text_files import number, records
from mien.relatedness.affect_prior import CIRCUMPLEX
from mien.tasks import EXPRESSION, FACE

VOTES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
"""The columns of fer2013new.csv, in order; NF means "not a face"."""

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

TASKS = FACE


def read(root: Path, report: Report) -> Iterator[Row]:
    """Yield the rows of every photo that shows one of the seven expressions.

    The hard label ``expression`` is the majority of all ten vote columns; it is null for a tie and where contempt,
    unknown or NF wins. Single votes count as noise, as in the FER+ paper; the shares of the other votes among the seven
    expressions are the soft label, and their circumplex coordinates the weak valence and arousal. A photo without a
    hard label is kept only if the seven expressions have at least half of its counted votes. Of duplicate photos the
    first line is used.

    Args:
        root: the folder of the release.
        report: called with a line for each unusable row.

    Raises:
        FileNotFoundError: if files are missing; the message names them.
        ValueError: if the table lacks a column.
    """
    table, *folders = required(root, TABLE, *FOLDERS.values())
    places = dict(zip(FOLDERS, folders, strict=True))
    lines: dict[str, int] = {}
    for line, cells in records(table, report, ("Usage", "Image name", *VOTES)):
        if (usage := cells["Usage"]) not in places:
            report(f"{table}: line {line}: unknown Usage {usage!r}")
            continue
        votes = np.array([_count(cells[name]) for name in VOTES])
        if np.isnan(votes).any():
            report(f"{table}: line {line}: the votes of {cells['Image name']!r} are not ten numbers")
            continue
        first = lines.setdefault(f"{usage}/{cells['Image name']}", line)
        if cells["Image name"] and first != line:
            report(f"{table}: line {line}: duplicate photo {cells['Image name']!r}, first in line {first}")
            continue
        if not cells["Image name"] or not (labels := _labels(votes)):
            continue
        photo = places[usage] / cells["Image name"]
        if photo.exists():
            yield {"path": str(photo), "split": SPLITS[usage], "dataset": "ferplus", **labels}
        else:
            report(f"{photo}: no such file")


def _count(text: str) -> float:
    """Return a number of votes, or NaN."""
    value = number(text)
    return math.nan if value is None or value < 0 else value


def _labels(votes: NDArray[np.float64]) -> Row | None:
    """Return the label columns of one photo, or None if it shows none of the seven expressions."""
    counted = np.where(votes > 1, votes, 0)
    shares = {name: counted[VOTES.index(name)] for name in EXPRESSION.labels}
    mass = sum(shares.values())
    winners = np.flatnonzero(votes == votes.max())
    winner = VOTES[winners[0]] if winners.size == 1 else None
    if mass == 0 or (winner not in shares and mass < counted.sum() / 2):
        return None
    shares = {name: float(share / mass) for name, share in shares.items()}
    valence, arousal = (sum(share * CIRCUMPLEX[name][axis] for name, share in shares.items()) for axis in (0, 1))
    return {"expression": winner if winner in shares else None, **shares, "valence": valence, "arousal": arousal}
