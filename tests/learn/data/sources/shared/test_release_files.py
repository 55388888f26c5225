"""Files and folders of a release: required, wrapped in extra folders, and hidden."""

from pathlib import Path

import pytest

from mien.learn.data.sources.shared.release_files import (
    find_root,
    folders,
    inside,
    not_found,
    numbered_pictures,
    pictures,
    required,
    visible,
    walk,
)


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_missing_files_are_named(tmp_path: Path) -> None:
    touch(tmp_path / "b.csv", tmp_path / "a2.txt", tmp_path / "a1.txt")
    assert required(tmp_path, ("a.csv", "b.csv"), "*.csv") == [tmp_path / "b.csv"] * 2
    assert required(tmp_path, "a*.txt") == [tmp_path / "a1.txt"]
    with pytest.raises(FileNotFoundError) as caught:
        required(tmp_path, ("c.csv", "d.csv"), "b.csv", "e.txt")
    assert str(caught.value) == f"{tmp_path}: not the folder of this data set: c.csv or d.csv, e.txt not found"
    assert str(caught.value) == str(not_found(tmp_path, "c.csv or d.csv", "e.txt"))


@pytest.mark.parametrize("around", ["", "set", "a/b/c"])
def test_a_release_is_found_inside_extra_folders(tmp_path: Path, around: str) -> None:
    touch(*(tmp_path / around / str(number) / "x.txt" for number in range(200)), tmp_path / "other" / "x.txt")
    touch(tmp_path / around / "labels" / "a.txt", tmp_path / "__MACOSX" / "labels" / "a.txt")
    assert find_root(tmp_path, "labels/a.txt") == tmp_path / around


def test_a_release_that_is_not_found_is_named_at_the_given_folder(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "b" / "c" / "d" / "labels.txt")
    with pytest.raises(FileNotFoundError, match=rf"^{tmp_path}: .* labels\.txt or labels\.csv not found$"):
        find_root(tmp_path, ("labels.txt", "labels.csv"))


def test_hidden_files_and_litter_are_skipped(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("__MACOSX/x.jpg", ".hidden/x.jpg", "in/.x.jpg", "in/b.PNG", "a.jpg", "a.txt")))
    assert list(pictures(tmp_path)) == [tmp_path / "a.jpg", tmp_path / "in" / "b.PNG"]
    assert folders(tmp_path) == [tmp_path / "in"]
    assert list(walk(tmp_path)) == [
        (tmp_path, [tmp_path / "a.jpg", tmp_path / "a.txt"]),
        (tmp_path / "in", [tmp_path / "in" / "b.PNG"]),
    ]
    assert (visible(tmp_path / "gone", folders=True), visible(tmp_path / "gone", folders=False)) == ([], [])


def test_pictures_are_numbered_by_the_end_of_their_stem(tmp_path: Path) -> None:
    names = ("7.png", "0007.png", "clip_0012.JPG", "0003.obj", "cover.png", "0009.jpeg", "5.png/1.png")
    touch(*(tmp_path / name for name in names))
    assert {number: path.name for number, path in numbered_pictures(tmp_path).items()} == {
        7: "0007.png", 9: "0009.jpeg", 12: "clip_0012.JPG",
    }  # fmt: skip
    assert numbered_pictures(tmp_path / "gone") == {}


def test_names_have_either_slash() -> None:
    assert inside(Path("r"), "a\\b.jpg") == inside(Path("r"), "/a/b.jpg") == inside(Path("r"), ' "a/b.jpg" ')
    assert inside(Path("r"), "a\\b.jpg") == Path("r/a/b.jpg")
