"""Splits by groups: whole groups, the right shares, classes spread evenly."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from mien.learn.data.manifest.columns import ManifestError
from mien.learn.data.steps.split import divide


@pytest.fixture
def table() -> pa.Table:
    """1,000 rows of 100 people of unequal size; ten of them show only fear, the others only neutral."""
    generator = np.random.default_rng(0)
    people = generator.choice(100, 1000, p=(p := generator.random(100)) / p.sum())
    return pa.table(
        {
            "path": [f"{n}.jpg" for n in range(1000)],
            "split": ["test"] * 100 + ["train"] * 900,
            "subject": [f"p{person}" for person in people],
            "expression": ["fear" if person < 10 else "neutral" for person in people],
        }
    )


@pytest.mark.parametrize("test", [0.0, 0.2])
def test_shares_are_right_and_no_one_is_in_two_splits(test: float, table: pa.Table) -> None:
    found = divide(table, by="subject", valid=0.3, test=test, seed=3).to_pylist()
    where: dict[str, set[str]] = {}
    for subject, split in zip(table["subject"].to_pylist(), found, strict=True):
        where.setdefault(subject, set()).add(split)
    assert all(len(splits) == 1 for splits in where.values())
    counts = Counter(found)
    wanted = {"train": 0.7 - test, "valid": 0.3} | ({"test": test} if test else {})
    assert set(counts) == set(wanted)
    for name, share in wanted.items():
        assert counts[name] / 1000 == pytest.approx(share, abs=0.03)


def test_classes_are_spread_evenly(table: pa.Table) -> None:
    found = divide(table, by="subject", valid=0.3, task="expression", seed=0).to_pylist()
    pairs = Counter(zip(table["expression"].to_pylist(), found, strict=True))
    for kind in ("fear", "neutral"):
        assert pairs[kind, "valid"] / (pairs[kind, "valid"] + pairs[kind, "train"]) == pytest.approx(0.3, abs=0.08)


def test_only_one_split_is_divided_and_the_seed_matters(table: pa.Table) -> None:
    first, again, other = (divide(table, by="subject", valid=0.2, only="train", seed=s).to_pylist() for s in (1, 1, 2))
    assert first == again != other
    assert first[:100] == ["test"] * 100
    assert set(first[100:]) == {"train", "valid"}


def test_rows_without_a_person_are_groups_of_their_own() -> None:
    rows = pa.table({"split": ["all"] * 10, "subject": pa.array([None] * 10, pa.string())})
    assert Counter(divide(rows, by="subject", valid=0.2).to_pylist()) == {"train": 8, "valid": 2}


def test_few_large_groups_fill_every_split() -> None:
    rows = pa.table({"split": ["all"] * 9, "subject": list("aaabbbccc")})
    assert Counter(divide(rows, by="subject", valid=0.1, test=0.1).to_pylist()) == {"train": 3, "valid": 3, "test": 3}


def test_impossible_divisions_are_refused(table: pa.Table) -> None:
    for settings, message in [
        ({"by": "person", "valid": 0.2}, "has no column person to divide by"),
        ({"by": "subject", "valid": 0.2, "only": "all"}, "has no rows of split 'all'"),
        ({"by": "split", "valid": 0.2, "test": 0.2}, "2 different values of split cannot make 3 splits"),
        ({"by": "subject", "valid": 0.6, "test": 0.4}, "leave nothing to divide"),
        ({"by": "subject", "valid": 0.0}, "leave nothing to divide"),
    ]:
        with pytest.raises(ManifestError, match=message):
            divide(table, **settings)  # type: ignore[arg-type]
