"""FER+ (Barsoum et al. 2016): ten annotators' votes on the photos of FER2013.

Expected in the archive or folder (the file names of the FER+ release, photos exported as its script does):
``fer2013new.csv`` and the folders ``FER2013Train``, ``FER2013Valid``, ``FER2013Test`` with 48 x 48 PNG files.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.affect_prior import CIRCUMPLEX
from mien.learn.data.packing import Row
from mien.learn.data.prepare import TIGHT
from mien.learn.data.sources import archive
from mien.tasks import EXPRESSION

VOTES = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
"""The columns of fer2013new.csv in their order; NF is "not a face"."""

TABLE = "fer2013new.csv"

FOLDERS = {
    "Training": ("FER2013Train", "train"),
    "PublicTest": ("FER2013Valid", "valid"),
    "PrivateTest": ("FER2013Test", "test"),
}
"""Usage -> folder, split."""

FINDER = TIGHT
"""Finds a face in 99.3 % of all photos; the others are aligned by the median landmarks."""

FACTS = {
    "source": "FER+ votes (Barsoum et al. 2016) on FER2013 photos (Goodfellow et al. 2013)",
    "licence": "votes MIT; rights in the photos unclear: local use only",
    "weak": {"affect": "vote-weighted circumplex coordinates of the emotion words (Russell & Mehrabian 1977)"},
}


def unpack(source: Path, out: Path) -> Path:
    """The folder with the labels: ``source`` itself, or its contents, unpacked into ``out/photos``.

    Raises:
        ValueError: if ``source`` is neither a folder nor an archive.
        OSError: if it cannot be opened.
    """
    return archive.unpack(source, out, TABLE)


def read(root: Path) -> list[Row]:
    """Manifest rows of every photo that shows one of the seven expressions.

    The hard label ``expression`` is the majority of all ten vote columns; it is null for a tie and where
    contempt, unknown or NF wins. Votes of a single annotator count as noise, as in the FER+ paper; the
    shares of the other votes among the seven expressions are the soft label, and their circumplex
    coordinates the weak valence and arousal. A photo without a hard label stays only if the seven
    expressions hold at least half of its counted votes.

    Raises:
        FileNotFoundError: naming the files that were looked for.
    """
    table = root / TABLE
    missing = [path for path in (table, *(root / folder for folder, _ in FOLDERS.values())) if not path.exists()]
    if missing:
        raise FileNotFoundError(f"not a FER+ folder: {', '.join(str(path) for path in missing)} not found")
    rows = []
    with table.open(newline="") as lines:
        reader = csv.DictReader(lines)
        if lacking := {"Usage", "Image name", *VOTES} - set(reader.fieldnames or ()):
            raise ValueError(f"{table}: has no column {', '.join(sorted(lacking))}")
        for line in reader:
            if line["Usage"] not in FOLDERS:
                raise ValueError(f"{table}: line {reader.line_num}: unknown Usage {line['Usage']!r}")
            folder, split = FOLDERS[line["Usage"]]
            photo = root / folder / line["Image name"]
            votes = np.array([float(line[name]) for name in VOTES])
            if line["Image name"] and photo.exists() and (labels := _labels(votes)):
                rows.append({"path": str(photo), "split": split, "dataset": "ferplus", **labels})
    return rows


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
