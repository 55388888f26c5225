"""Files looked up by name, in any case and with another suffix."""

import os
from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.sources.shared.file_lookup import FileLookup


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ("A.JPG", "b.png", "d.bmp", "d.jpeg", ".hidden.jpg", "._b.jpg", "__MACOSX", "deep/c.jpg", "e.jpg/f.jpg")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.jpg", "A.JPG"),
        ("a", "A.JPG"),
        ("b.jpg", "b.png"),
        ("d.jpg", "d.jpeg"),
        ("d.bmp", "d.bmp"),
        ("deep/c.jpg", "deep/c.jpg"),
        ("deep/C.PNG", "deep/c.jpg"),
        ("c.jpg", None),
        ("e.jpg", None),
        (".hidden.jpg", None),
        ("gone/a.jpg", None),
    ],
)
def test_files_are_found_in_any_case_and_pictures_with_any_suffix(folder: Path, name: str, found: str | None) -> None:
    assert FileLookup().find(folder / name) == (None if found is None else folder / found)


def test_names_are_those_of_visible_files_in_order(folder: Path) -> None:
    assert list(FileLookup().names(folder).items()) == [
        ("a.jpg", "A.JPG"), ("b.png", "b.png"), ("d.bmp", "d.bmp"), ("d.jpeg", "d.jpeg"),
    ]  # fmt: skip
    assert FileLookup().names(folder / "gone") == {}


def test_each_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Path] = []
    scandir = os.scandir

    def counted(folder: Path) -> Any:
        listed.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counted)
    places = [tmp_path / str(number) for number in range(20)]
    for place in places:
        place.mkdir()
        (place / "a.jpg").touch()
    lookup = FileLookup()
    for _ in range(3):
        for place in places:
            assert lookup.find(place / "a.png") == place / "a.jpg"
            assert lookup.find(place / "b.png") is None
    assert listed == places
