"""GTSRB in its official layout, and traits that a driver can check."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.traffic_signs import CLASSES, FILLS, RELATEDNESS, SHAPES, TASKS, TRAITS, read

TRACKS = {0: 5, 3: 1, 42: 12}
"""Number of tracks of these classes; the others have two."""


def write(root: Path, style: str, suffix: str) -> Path:
    for number in range(43):
        folder = root / style.format(number)
        folder.mkdir(parents=True)
        (folder / "GT.csv").write_text("Filename;Width\n")
        for track in range(TRACKS.get(number, 2)):
            for frame in (0, 6):
                (folder / f"{track:05d}_{frame:05d}{suffix}").touch()
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, "{}", ".jpg")


def all_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a folder without errors."""
    reports: list[str] = []
    rows = list(read(folder, reports.append))
    assert not reports
    return rows


def traits(name: str) -> set[str]:
    row = RELATEDNESS.weights[CLASSES.index(name)]
    return {trait for trait, weight in zip(TRAITS, row, strict=True) if weight}


def test_every_picture_has_its_class_and_its_traits(folder: Path) -> None:
    rows = all_of(folder)
    assert len(rows) == 2 * (5 + 1 + 12 + 40 * 2)
    assert {row["sign"] for row in rows} == set(CLASSES)
    for row in rows:
        assert CLASSES[int(Path(row["path"]).parent.name)] == row["sign"]
        assert {trait for trait in TRAITS if row[trait] == 1} == traits(row["sign"])
        assert all(row[trait] in (0, 1) for trait in TRAITS)
    check_labels(folder, rows, TASKS)


def test_both_styles_of_folders_give_the_same_rows(folder: Path, tmp_path: Path) -> None:
    official = write(tmp_path / "official", "{:05d}", ".ppm")
    kept = ("sign", "split", "subject")
    assert [[row[key] for key in kept] for row in all_of(official)] == [
        [row[key] for key in kept] for row in all_of(folder)
    ]


def test_a_track_is_in_one_split_and_a_class_of_five_tracks_in_all(folder: Path) -> None:
    splits: dict[str, set[str]] = defaultdict(set)
    tracks: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in all_of(folder):
        splits[row["subject"]].add(row["split"])
        tracks[row["sign"]][row["split"]].add(row["subject"])
    assert all(len(found) == 1 for found in splits.values())
    assert len(splits) == 5 + 1 + 12 + 40 * 2  # tracks of the same number in two classes are two
    assert {name: len(found) for name, found in tracks[CLASSES[0]].items()} == {"train": 3, "valid": 1, "test": 1}
    assert {name: len(found) for name, found in tracks[CLASSES[42]].items()} == {"train": 7, "valid": 2, "test": 3}
    assert set(tracks[CLASSES[3]]) == {"train"}


def test_the_table_is_exact_and_tells_signs_apart() -> None:
    weights = RELATEDNESS.weights
    assert weights.shape == (43, len(TRAITS))
    assert set(np.unique(weights)) == {0, 1}
    assert np.array_equal(RELATEDNESS.prototypical, weights == 1)
    assert (weights.sum(0) >= 2).all()
    assert len(np.unique(weights, axis=1).T) == len(TRAITS)  # no trait says the same as another
    labels = tuple(TRAITS)
    for group in (SHAPES, FILLS):
        assert (weights[:, [labels.index(label) for label in group]].sum(1) == 1).all()
    RELATEDNESS.check(TASKS)
    assert not set(CLASSES) & set(labels)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("speed limit 120", {"shape=circle", "fill=white", "red rim", "number", "digit 1", "digit 2"}),
        ("end of speed limit 80", {"shape=circle", "fill=white", "stripes", "number", "digit 8"}),
        ("stop", {"shape=other", "fill=red or yellow"}),
        ("no entry", {"shape=circle", "fill=red or yellow"}),
        ("yield", {"shape=triangle", "fill=white", "red rim", "empty"}),
        ("priority road", {"shape=other", "fill=red or yellow", "empty"}),
        ("keep left", {"shape=circle", "fill=blue", "arrow", "arrow down", "arrow left"}),
        ("end of no overtaking", {"shape=circle", "fill=white", "stripes", "vehicle", "car", "two vehicles"}),
        ("children crossing", {"shape=triangle", "fill=white", "red rim", "person", "living being"}),
        ("traffic lights", {"shape=triangle", "fill=white", "red rim"}),
    ],
)
def test_known_signs_have_their_traits(name: str, expected: set[str]) -> None:
    assert traits(name) == expected


def test_missing_folders_are_named(folder: Path, tmp_path: Path) -> None:
    for picture in (folder / "7").iterdir():
        picture.unlink()
    reports: list[str] = []
    assert "speed limit 100" not in {row["sign"] for row in read(folder, reports.append)}
    assert reports == [f"{folder / '7'}: no pictures named track_frame (.ppm, .png, .jpg)"]
    (folder / "7").rmdir()
    with pytest.raises(FileNotFoundError, match=r"not the folder of this data set: 7 or 00007 not found$"):
        all_of(folder)


@pytest.mark.parametrize("name", ["photo.jpg", "00001.jpg", "a_00001.jpg", "00001_b.JPG"])
def test_a_picture_without_a_track_is_reported(name: str, folder: Path) -> None:
    count = len(all_of(folder))
    (folder / "12" / name).touch()
    reports: list[str] = []
    assert len(list(read(folder, reports.append))) == count
    assert reports == [f"{folder / '12' / name}: the name is not track_frame, such as 00003_00012"]
