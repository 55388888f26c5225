"""Folders named by expressions."""

from pathlib import Path

import pytest

from mien.learn.data.sources.shared.expression_words import FER2013, WORDS, labelled
from mien.tasks import EXPRESSION


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_every_word_is_one_of_ours_or_contempt() -> None:
    assert {word for word in WORDS.values() if word} == set(EXPRESSION.labels) == set(FER2013)


@pytest.mark.parametrize("around", ["", "CK+48", "a/b", "a/b/c"])
def test_without_folders_of_splits_the_split_is_all(tmp_path: Path, around: str) -> None:
    touch(
        *(
            tmp_path / around / name
            for name in ("anger/a.png", "Happy/b.JPG", "contempt/c.png", "sad/notes.txt", "d.png")
        )
    )
    touch(tmp_path / "__MACOSX" / "anger" / "a.png", tmp_path / around / "anger" / "._a.png")
    found = {(path.name, split, label) for path, split, label in labelled(tmp_path)}
    assert found == {("a.png", "all", "anger"), ("b.JPG", "all", "happiness"), ("c.png", "all", None)}


def test_folders_of_splits(tmp_path: Path) -> None:
    touch(*(tmp_path / "fer" / name for name in ("train/sad/1.png", "Test/sad/1.png", "validation/neutral/x/2.png")))
    found = {(path.name, split, label) for path, split, label in labelled(tmp_path)}
    assert found == {("1.png", "train", "sadness"), ("1.png", "test", "sadness"), ("2.png", "valid", "neutral")}


def test_other_folders_yield_nothing(tmp_path: Path) -> None:
    touch(tmp_path / "train" / "a.png")
    assert list(labelled(tmp_path)) == []
