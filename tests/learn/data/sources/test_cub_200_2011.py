"""CUB-200-2011 in its official layout: three species, five attributes."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.cub_200_2011 import read, tasks
from mien.tasks import groups

CLASSES = ["001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Mr._Bird"]
NAMES = [
    "has_bill_shape::curved_(up_or_down)", "has_bill_shape::dagger",
    "has_wing_color::blue", "has_wing_color::grey", "has_wing_color::red",
]  # fmt: skip
LABELS = ["bill_shape=curved_(up_or_down)", "bill_shape=dagger", "wing_color=blue", "wing_color=grey", "wing_color=red"]


def numbered(lines: list[str]) -> str:
    return "".join(f"{number} {line}\n" for number, line in enumerate(lines, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "CUB_200_2011"
    (root / "attributes").mkdir(parents=True)
    photos = [f"{name}/{name[4:]}_000{n}.jpg" for n, name in enumerate(CLASSES)]
    for photo in photos:
        (root / "images" / photo).parent.mkdir(parents=True)
        (root / "images" / photo).touch()
    (root / "images.txt").write_text(numbered(photos))
    (root / "classes.txt").write_text(numbered(CLASSES))
    (root / "image_class_labels.txt").write_text(numbered(["1", "2", "3"]))
    (root / "train_test_split.txt").write_text(numbered(["1", "0", "1"]))
    (root / "bounding_boxes.txt").write_text(numbered(["60.0 27.0 325.0 304.0"] * 3))
    (tmp_path / "attributes.txt").write_text(numbered(NAMES))
    (root / "attributes" / "image_attribute_labels.txt").write_text(
        "1 1 0 1 5.1\n1 2 1 4 5.1\n1 3 1 2 5.1\n1 4 1 3 5.1\n1 5 0 3 5.1\n"
        "2 1 0 4 0 3.2\n2 2 1 3 0 3.2\n"  # such lines are in the release
    )
    return root


def rows_of(root: Path, **options: Any) -> list[dict[str, Any]]:
    return list(read(root, pytest.fail, **options))


def values(row: dict[str, Any]) -> list[Any]:
    return [row[label] for label in LABELS]


def test_every_file_is_read(folder: Path) -> None:
    rows = rows_of(folder.parent)
    species, attributes = tasks(folder.parent)
    check_labels(folder, rows, (species, attributes))
    assert species.labels == ("Black footed Albatross", "Laysan Albatross", "Mr. Bird")
    assert list(attributes.labels) == LABELS
    assert groups(attributes.labels) == {"bill_shape": (0, 1), "wing_color": (2, 3, 4)}
    assert [row["species"] for row in rows] == list(species.labels)
    assert [row["split"] for row in rows] == ["train", "test", "train"]
    assert [rows[0][side] for side in ("x", "y", "width", "height")] == [60, 27, 325, 304]
    assert all(Path(row["path"]).is_file() for row in rows)


def test_invisible_attributes_are_null_and_two_colours_can_be_present(folder: Path) -> None:
    rows = rows_of(folder)
    assert values(rows[0]) == [None, 1, 1, 1, 0]
    assert values(rows[1]) == [0, 1, None, None, None]
    assert values(rows[2]) == [None] * 5


def test_certainty_is_an_option(folder: Path) -> None:
    assert values(rows_of(folder, certainty=3)[0]) == [None, 1, None, 1, 0]
    assert values(rows_of(folder, certainty=4)[0]) == [None, 1, None, None, None]
    for wrong in (1, 5):
        with pytest.raises(ValueError, match=f"certainty {wrong}: expected 2, 3 or 4"):
            rows_of(folder, certainty=wrong)


def test_a_share_of_the_training_photos_can_be_valid(folder: Path) -> None:
    assert [row["split"] for row in rows_of(folder, validation=1.0)] == ["valid", "test", "valid"]


@pytest.mark.parametrize("place", ["attributes/attributes.txt", "attributes.txt"])
def test_the_names_of_the_attributes_may_be_inside(folder: Path, place: str) -> None:
    (folder.parent / "attributes.txt").rename(folder / place)
    assert list(tasks(folder)[1].labels) == LABELS
    (folder / place).write_text("1 has_bill_shape::a\n3 has_bill_shape::b\n")
    with pytest.raises(ValueError, match=r"attributes\.txt: line 2: expected number 2 and a name, not '3 has"):
        tasks(folder)
    (folder / place).write_text("1 bill\n")
    with pytest.raises(ValueError, match="'bill' is not has_attribute::value"):
        tasks(folder)
    (folder / place).unlink()
    with pytest.raises(FileNotFoundError, match=r"attributes/attributes\.txt or attributes\.txt or "):
        tasks(folder)


def test_damaged_lines_are_reported_and_the_rest_is_read(folder: Path) -> None:
    (folder / "images" / CLASSES[0] / f"{CLASSES[0][4:]}_0000.jpg").unlink()
    old = folder / "images" / CLASSES[1] / f"{CLASSES[1][4:]}_0001.jpg"
    old.rename(old.with_suffix(".JPG"))
    images = (folder / "images.txt").read_text().replace(f"{CLASSES[2]}/", f"{CLASSES[2]}\\")
    (folder / "images.txt").write_text("\ufeff" + images + "2 again.jpg\n")
    (folder / "image_class_labels.txt").write_text("1 1\n2 4\n3\n")
    (folder / "train_test_split.txt").write_text("2 2\n3 1\n")
    (folder / "bounding_boxes.txt").write_text("2 1 2 3\n3 1 2 0 5\n")
    labels = folder / "attributes" / "image_attribute_labels.txt"
    (labels.parent / "image_attribute_labels.txt.gz").write_bytes(gzip.compress(labels.read_bytes()))
    labels.write_text("2 1 1 4 1\n2 6 1 4 1\n9 1 1 4 1\n2 2 2 4 1\n2 3 1 5 1\n2 4 1\n2 x 1 4 1\n3 5 1 4 1\n")
    reports: list[str] = []
    rows = list(read(folder, reports.append))
    assert [(row["species"], row["split"], row["x"]) for row in rows] == [(None, "all", None), (None, "train", None)]
    assert [values(row) for row in rows] == [[1, None, None, None, None], [None, None, None, None, 1]]
    assert [line.removeprefix(f"{folder}/") for line in reports] == [
        "images.txt: line 4: duplicate photo 2",
        "image_class_labels.txt: line 2: unusable line '2 4'",
        "image_class_labels.txt: line 3: unusable line '3'",
        "train_test_split.txt: line 1: unusable line '2 2'",
        "bounding_boxes.txt: line 1: unusable line '2 1 2 3'",
        "bounding_boxes.txt: line 2: unusable line '3 1 2 0 5'",
        "attributes/image_attribute_labels.txt: line 2: '2 6 1 4 1' is out of range",
        "attributes/image_attribute_labels.txt: line 3: '9 1 1 4 1' is out of range",
        "attributes/image_attribute_labels.txt: line 4: '2 2 2 4 1' is out of range",
        "attributes/image_attribute_labels.txt: line 5: '2 3 1 5 1' is out of range",
        "attributes/image_attribute_labels.txt: line 6: '2 4 1' is not photo, attribute, presence and certainty",
        "attributes/image_attribute_labels.txt: line 7: '2 x 1 4 1' is not photo, attribute, presence and certainty",
        f"images/{CLASSES[0]}/{CLASSES[0][4:]}_0000.jpg: no such picture",
    ]


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "classes.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"classes\.txt not found"):
        rows_of(folder)
