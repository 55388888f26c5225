"""The rules of papers/003 on rows that follow and break them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mien.learn.data.manifest.columns import ManifestError
from mien.learn.data.steps.clean import affect_consistency, every_fifth_frame

ROWS: list[tuple[str | None, float | None, float | None, bool]] = [
    ("neutral", 0.0, 0.0, True),
    ("neutral", 0.14, 0.0, True),
    ("neutral", 0.15, 0.0, False),
    ("neutral", -0.11, 0.11, False),  # both are small, the radius is not
    ("neutral", -0.1, -0.1, True),
    ("sadness", -0.1, 0.9, True),
    ("sadness", 0.0, -0.5, False),
    ("disgust", 0.2, 0.5, False),
    ("disgust", -0.2, -0.5, True),
    ("fear", 0.1, 0.5, False),
    ("fear", -0.1, -0.5, True),
    ("anger", -0.5, 0.5, True),
    ("anger", -0.5, 0.0, False),
    ("anger", 0.1, 0.5, False),
    ("happiness", 0.01, -0.9, True),
    ("happiness", 0.0, 0.5, False),
    ("surprise", -0.9, -0.9, True),
    ("surprise", 0.9, 0.9, True),
    (None, 0.9, 0.9, True),
    ("happiness", None, None, True),
    ("neutral", 0.9, None, True),  # the radius is unknown
    ("anger", None, -0.5, False),
    ("sadness", None, 0.5, True),
]


def table(**columns: Any) -> pa.Table:
    return pa.table({"path": [f"{n}.jpg" for n in range(len(next(iter(columns.values()))))], **columns})


def test_the_four_rules() -> None:
    expression, valence, arousal, kept = zip(*ROWS, strict=True)
    rows = table(expression=expression, valence=valence, arousal=arousal)
    found = affect_consistency(rows, np.ones(len(ROWS), bool))
    assert (~np.logical_or.reduce(list(found.values()))).tolist() == list(kept)
    assert [int(wrong.sum()) for wrong in found.values()] == [2, 3, 3, 1]
    assert not any(wrong.any() for wrong in affect_consistency(rows, np.zeros(len(ROWS), bool)).values())


def test_missing_columns_are_named() -> None:
    for columns in ({"expression": ["neutral"]}, {"valence": [0.5]}):
        with pytest.raises(ManifestError, match="affect_consistency needs the columns expression, valence and arousal"):
            affect_consistency(table(**columns), np.ones(1, bool))


def test_one_frame_in_five_of_each_video() -> None:
    rows = table(video=["a"] * 11 + ["b"] * 3, frame=[*range(11), 7, 8, 9])
    (dropped,) = every_fifth_frame(rows, np.ones(14, bool)).values()
    assert np.flatnonzero(~dropped).tolist() == [0, 5, 10, 11]
