import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mien.annotate.inputs import Source, expand
from mien.media.picture import MediaError

LISTED = b"\xef\xbb\xbfp/b.jpg\r\n  \np/*.PNG\nmissing one.jpg\ncaf\xe9.jpg\n"
"""A list on standard input with a byte order mark, an empty line, and a name that is not Unicode."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("p/b.jpg", "p/a.PNG", "p/deep/c.tiff", "p/notes.txt", "p/.hidden.jpg", "p/.git/d.jpg", "q/readme.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*inputs: str) -> list[str]:
    return [source.name for source in expand(inputs)]


def test_folder_is_searched_recursively_and_sorted(folder: Path) -> None:
    assert names("p") == ["p/a.PNG", "p/b.jpg", "p/deep/c.tiff"]
    assert [source.name for source in expand(Path("p"))] == names("p")


def test_glob(folder: Path) -> None:
    assert names("p/*") == ["p/a.PNG", "p/b.jpg"]
    assert names("**/*.tiff") == ["p/deep/c.tiff"]


def test_an_existing_name_with_glob_characters_is_not_a_glob(folder: Path) -> None:
    (folder / "x[1].jpg").touch()
    assert names("x[1].jpg") == ["x[1].jpg"]


def test_order_and_no_duplicates(folder: Path) -> None:
    found = [source.name for source in expand(["p/b.jpg", "p", "./p/a.PNG", "p/*.jpg"], distinct=True)]
    assert found == ["p/b.jpg", "p/a.PNG", "p/deep/c.tiff"]


def test_a_list_keeps_duplicates(folder: Path) -> None:
    assert names("p/b.jpg", "p/b.jpg") == ["p/b.jpg", "p/b.jpg"]


def test_names_that_print_alike_are_different_files(folder: Path) -> None:
    for byte in (b"\xfe", b"\xff"):
        Path(os.fsdecode(b"x" + byte + b".jpg")).touch()
    assert len([source for source in expand(["."], distinct=True) if source.name.startswith("./x")]) == 2


def test_list_on_standard_input(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LISTED), "utf-8"))
    assert [source.item for source in expand("-")] == ["p/b.jpg", "p/a.PNG", "missing one.jpg", "caf\udce9.jpg"]


@pytest.mark.parametrize(
    ("given", "reason"), [("q", "no pictures or videos in this folder"), ("q/*.jpg", "no pictures or videos match")]
)
def test_nothing_found_is_an_error_that_names_the_input(folder: Path, given: str, reason: str) -> None:
    first, second = expand([given, "p/b.jpg"])
    assert first.name == given
    assert isinstance(first.item, MediaError)
    assert str(first.item) == reason
    assert second.name == "p/b.jpg"


def test_arrays_are_numbered_and_never_duplicates() -> None:
    array = np.zeros((2, 2))
    assert [source.name for source in expand([array, array])] == ["input 0", "input 1"]
    assert [source.name for source in expand(array)] == ["input 0"]


def test_lists_are_read_lazily_and_sources_pass_through() -> None:
    def endless():
        while True:
            yield Source("me", "a.jpg")

    assert next(iter(expand(endless()))).name == "me"


def test_names_that_are_not_unicode_are_replaced() -> None:
    (source,) = expand("caf\udce9.jpg")
    assert source.name == "caf\ufffd.jpg"
    assert source.item == "caf\udce9.jpg"


def test_every_folder_that_cannot_be_listed_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = os.walk

    def partly(top: str, onerror: Callable[[OSError], None]) -> Iterator[tuple[str, list[str], list[str]]]:
        for name in ("p/one", "p/two"):
            onerror(PermissionError(13, "Permission denied", name))
        return walk(top)

    monkeypatch.setattr(os, "walk", partly)
    found = {source.name: source.item for source in expand(["p"], distinct=True)}
    assert {"p/a.PNG", "p/b.jpg", "p/one", "p/two"} <= set(found)
    assert str(found["p/two"]) == "cannot list: Permission denied"
