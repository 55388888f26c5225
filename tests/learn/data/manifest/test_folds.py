"""Folds divide the rows, keep groups whole and depend only on their seed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.learn.data.manifest import Manifest, ManifestError, read_manifest
from mien.learn.data.manifest.folds import fold, refuse_shared


@pytest.fixture
def manifest(tmp_path: Path, make_set: Callable[..., Path]) -> Manifest:
    """Eleven rows of four people; two rows have no person."""
    subjects = ["a", "b", "a", "c", None, "b", "d", "a", None, "d", "c"]
    rows = [{"expression": "fear", "subject": subject} for subject in subjects]
    return read_manifest(make_set(tmp_path / "set", rows, np.zeros((11, 8, 8, 1), np.uint8)))


def paths(manifest: Manifest) -> list[str]:
    return [str(path) for path in manifest.table["path"].to_pylist()]


@pytest.mark.parametrize("of", [2, 3, 5])
def test_folds_divide_the_rows_evenly(manifest: Manifest, of: int) -> None:
    parts = [fold(manifest, seed=4, of=of, index=index) for index in range(of)]
    inside = [paths(part[1]) for part in parts]
    assert sorted(path for part in inside for path in part) == sorted(paths(manifest))
    assert max(map(len, inside)) - min(map(len, inside)) <= 1
    for train, valid in parts:
        assert set(paths(train)) | set(paths(valid)) == set(paths(manifest))
        assert not set(paths(train)) & set(paths(valid))


def test_a_group_is_never_on_both_sides(manifest: Manifest) -> None:
    for seed in range(10):
        train, valid = fold(manifest, seed=seed, of=2, index=0, group="subject")
        known = [set(part.table["subject"].drop_null().to_pylist()) for part in (train, valid)]
        assert not known[0] & known[1]
        assert len(train)
        assert len(valid)


def test_rows_without_a_group_are_groups_of_their_own(manifest: Manifest) -> None:
    split = [
        fold(manifest, seed=seed, of=2, index=0, group="subject")[1].table["subject"].null_count for seed in range(20)
    ]
    assert {0, 1, 2} == set(split)


def test_seeds_differ_and_repeat(manifest: Manifest) -> None:
    again = [paths(fold(manifest, seed=1, of=2, index=0)[0]) for _ in range(2)]
    assert again[0] == again[1] != paths(fold(manifest, seed=2, of=2, index=0)[0])


def test_the_pictures_stay_with_their_rows(manifest: Manifest) -> None:
    assert fold(manifest, seed=0, of=2, index=1)[1].images(np.array([0])).shape == (1, 1, 8, 8)


def test_impossible_folds_are_refused(manifest: Manifest) -> None:
    with pytest.raises(ManifestError, match="has no column person to group folds by"):
        fold(manifest, seed=0, of=2, index=0, group="person")
    with pytest.raises(ManifestError, match="6 subjects cannot make 7 folds"):
        fold(manifest, seed=0, of=7, index=0, group="subject")


def test_a_person_on_both_sides_is_refused(tmp_path: Path, make_set: Callable[..., Path]) -> None:
    def people(name: str, subjects: str, source: str, **columns: str) -> Manifest:
        rows = [{"expression": "fear", "subject": subject, **columns} for subject in subjects]
        return read_manifest(make_set(tmp_path / name, rows, np.zeros((9, 8, 8, 1), np.uint8), source=source))

    first, again, other = people("a", "abcd", "one"), people("b", "dcbx", "one"), people("c", "abcd", "two")
    train, valid = fold(first, seed=0, of=2, index=0, group="subject")
    refuse_shared([train, other], [valid], "subject")
    with pytest.raises(
        ManifestError,
        match=r"b/manifest.parquet: subject '[bcd]' of one is used for training here and evaluated in .*/a/",
    ):
        refuse_shared([train, again], [valid], "subject")
    named = people("d", "abcd", "three", dataset="one")
    with pytest.raises(ManifestError, match="is used for training here and evaluated in"):
        refuse_shared([train, named], [valid], "subject")
    refuse_shared([people("e", "abcd", "one", dataset="four")], [valid], "subject")
    refuse_shared([first], [valid], "person")  # no such column
