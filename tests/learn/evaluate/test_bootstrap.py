"""Intervals against resampling row by row, and where there is little to resample."""

import numpy as np
import pyarrow as pa
import pytest

from fixtures import metrics_oracle
from mien.learn.data.manifest import ManifestError
from mien.learn.evaluate.bootstrap import draws, intervals, units
from mien.learn.evaluate.predictions import Predictions
from mien.tasks import Kind, Task

TASKS = (
    Task("kind", Kind.CLASSES, ("a", "b", "c"), ("",) * 3),
    Task("parts", Kind.ATTRIBUTES, ("x", "y"), ("",) * 2),
    Task("values", Kind.CONTINUOUS, ("v",), ("",)),
)


def predictions(n: int = 30, seed: int = 0) -> Predictions:
    generator = np.random.default_rng(seed)
    mask = {"kind": generator.random(n) < 0.8, "parts": generator.random((n, 2)) < 0.8, "values": np.ones((n, 1), bool)}
    outputs = {
        "kind": generator.dirichlet(np.ones(3), n),
        "parts": generator.random((n, 2)),
        "values": generator.uniform(-1, 1, (n, 1)),
    }
    labels = {
        "kind": generator.integers(0, 3, n) * mask["kind"],
        "parts": (generator.random((n, 2)) < 0.3) * mask["parts"],
        "values": generator.uniform(-1, 1, (n, 1)),
    }
    return Predictions(TASKS, outputs, labels, mask, pa.table({"path": ["p"] * n}), np.zeros(n, bool))


def test_intervals_are_those_of_resampling_rows() -> None:
    found, members = predictions(), np.arange(30) % 8
    slow: dict[str, list[float]] = {}
    for drawn in np.concatenate(list(draws(8, 60, seed=3))):
        rows = np.concatenate(
            [np.repeat(np.flatnonzero(members == unit), int(times)) for unit, times in enumerate(drawn)]
        )
        parts = [
            {name: each[rows] for name, each in part.items()} for part in (found.outputs, found.labels, found.mask)
        ]
        for name, value in metrics_oracle.metrics(*parts, TASKS).items():
            slow.setdefault(name, []).append(value)
    fast = intervals(found, members, resamples=60, seed=3)
    assert set(fast) == {name for name in slow if not name.endswith(".faces")}
    for name, interval in fast.items():
        assert interval == pytest.approx(tuple(np.quantile(slow[name], [0.025, 0.975])), abs=1e-9), name


def test_a_share_has_about_the_binomial_interval() -> None:
    n = 1000
    right = np.arange(n) < 700
    outputs = np.where(right[:, None], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    found = Predictions(
        TASKS[:1],
        {"kind": outputs},
        {"kind": np.zeros(n, int)},
        {"kind": np.ones(n, bool)},
        pa.table({"path": ["p"] * n}),
        np.zeros(n, bool),
    )
    half = 1.96 * np.sqrt(0.7 * 0.3 / n)
    by_row = intervals(found, np.arange(n))["kind.accuracy"]
    assert by_row == pytest.approx((0.7 - half, 0.7 + half), abs=0.004)
    by_subject = intervals(found, np.arange(n) // 50)["kind.accuracy"]  # 20 subjects, all right or all wrong
    assert by_subject[1] - by_subject[0] > 5 * (by_row[1] - by_row[0])


def test_one_unit_has_no_intervals() -> None:
    assert intervals(predictions(), np.zeros(30, int)) == {}


def test_draws_depend_on_the_seed_and_not_on_the_blocks() -> None:
    small = np.concatenate(list(draws(7, 50, seed=1, width=1_000_000)))
    np.testing.assert_array_equal(small, np.concatenate(list(draws(7, 50, seed=1))))
    np.testing.assert_array_equal(small.sum(1), 7)
    assert (small != np.concatenate(list(draws(7, 50, seed=2)))).any()


def test_units_are_subjects_then_videos_then_rows() -> None:
    two = {"dataset": ["p", "p", "q", "q"], "video": ["1", "1", "1", None], "path": list("abcd")}
    name, members = units(pa.table({**two, "subject": ["1", "1", "1", None]}))
    assert (name, members.tolist()) == ("subject", [0, 0, 1, 2])  # "1" of two data sets is not the same person
    name, members = units(pa.table({**two, "subject": pa.nulls(4, pa.string())}))
    assert (name, len(np.unique(members)), members[0]) == ("video", 3, members[1])
    name, members = units(pa.table({"path": list("abcd")}))
    assert (name, members.tolist()) == ("row", [0, 1, 2, 3])
    assert units(pa.table(two), "dataset")[1].tolist() == [0, 0, 1, 1]
    with pytest.raises(ManifestError, match="no column camera to group rows by"):
        units(pa.table(two), "camera")


def test_ten_thousand_rows_take_seconds() -> None:
    import time

    found, start = predictions(10_000), time.process_time()
    intervals(found, np.arange(10_000))
    assert time.process_time() - start < 20
