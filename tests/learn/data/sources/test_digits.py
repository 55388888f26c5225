"""The digits that come with scikit-learn."""

from collections import Counter

import numpy as np
import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.digits import RELATEDNESS, STROKES, TASKS, picture, read


def test_pictures_labels_and_splits() -> None:
    rows = list(read())
    pictures = np.stack([picture(row) for row in rows])
    assert pictures.shape == (1797, 8, 8, 3)
    assert pictures.dtype == np.uint8
    assert (pictures.min(), pictures.max()) == (0, 255)
    assert Counter(row["split"] for row in rows) == {"train": 1078, "valid": 359, "test": 360}
    assert {row["digit"] for row in rows} == set("0123456789")
    for row in rows:
        assert {stroke for stroke in STROKES if row[stroke] == 1} == {
            s for s, d in STROKES.items() if row["digit"] in d
        }
    check_labels("digits", rows, TASKS)  # type: ignore[arg-type]


def test_the_pictures_belong_to_their_digits() -> None:
    rows = list(read())
    pictures = np.stack([picture(row) for row in rows])
    ink = {digit: pictures[[row["digit"] == digit for row in rows]].mean(0)[..., 0] for digit in "01"}
    assert ink["0"][3:5, 3:5].mean() < 50  # a zero is empty in the middle, a one is not
    assert ink["1"][3:5, 3:5].mean() > 150


def test_the_seed_only_decides_the_splits() -> None:
    first, again, other = (list(read(seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert [row["split"] for row in first] != [row["split"] for row in other]
    assert [row["digit"] for row in first] == [row["digit"] for row in other]


def test_the_table_is_exact_and_distinguishes_every_digit() -> None:
    weights = RELATEDNESS.weights
    assert set(np.unique(weights)) == {0, 1}
    assert (weights.sum(0) >= 2).all()
    assert len(np.unique(weights, axis=0)) == 10
    assert len(np.unique(weights, axis=1).T) == len(STROKES)
    RELATEDNESS.check(TASKS)


@pytest.mark.parametrize(("digit", "strokes"), [("8", {"loop", "loop above", "loop below"}), ("0", {"loop"})])
def test_strokes(digit: str, strokes: set[str]) -> None:
    assert {stroke for stroke, digits in STROKES.items() if digit in digits} == strokes
