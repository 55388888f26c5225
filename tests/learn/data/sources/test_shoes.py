"""Shoes in their official layout, with known orders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from mien.learn.data.manifest import check_labels
from mien.learn.data.sources.shoes import ATTRIBUTES, LABELS, TASKS, TYPES, read

CLASS_NAMES = [
    "athletic",
    "boots",
    "clogs",
    "flats",
    "high-heels",
    "pumps",
    "rain-boots",
    "sneakers",
    "stiletto",
    "wedding",
]
ORDERS = np.stack([np.roll(np.arange(1, 11), row) for row in range(10)])


def put(path: Path, **content: Any) -> None:
    cells = {name: np.array(value, object)[None] for name, value in content.items() if name != "orders"}
    scipy.io.savemat(path, cells | {"orders": content["orders"]} if "orders" in content else cells)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "attributedata"
    for name in TYPES:
        for number in range(40):
            path = root / name / str(number % 2) / f"img_{name}_{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            path.with_name(f"descr_{name}_{number}.txt").touch()
    (root / "bags_totes" / "0").mkdir(parents=True)
    (root / "bags_totes" / "0" / "img_bags_totes_1.jpg").touch()
    names = [name.replace(" ", "-") for name in ATTRIBUTES]
    put(tmp_path / LABELS, class_names=CLASS_NAMES, attribute_names=names, orders=ORDERS)
    return root


def rows_of(root: Path) -> list[dict[str, Any]]:
    return list(read(root, pytest.fail))


def test_the_upper_half_of_the_order_has_the_attribute(folder: Path) -> None:
    rows = rows_of(folder.parent)
    check_labels(folder, rows, TASKS)
    assert len(rows) == 400
    by_type = {row["type"]: [row[label] for label in ATTRIBUTES] for row in rows}
    assert list(by_type) == list(TYPES.values())
    expected = (ORDERS > 5).T.astype(float).tolist()
    assert list(by_type.values()) == expected


def test_a_type_in_the_middle_is_null(folder: Path) -> None:
    orders = ORDERS.copy()
    orders[0] = [1, 1, 1, 1, 3, 3, 5, 5, 5, 5]
    names = list(ATTRIBUTES)
    put(folder / LABELS, class_names=CLASS_NAMES, attribute_names=names[::-1], orders=orders[::-1])
    by_type = {row["type"]: row.get(ATTRIBUTES[0]) for row in rows_of(folder)}
    assert list(by_type.values()) == [0, 0, 0, 0, None, None, 1, 1, 1, 1]


def test_half_is_for_training(folder: Path) -> None:
    splits = {row["path"]: row["split"] for row in rows_of(folder)}
    assert set(splits.values()) == {"train", "test"}
    assert 0.4 < list(splits.values()).count("test") / len(splits) < 0.6
    for path in list(splits)[::2]:
        Path(path).unlink()
    assert {row["path"]: row["split"] for row in rows_of(folder)} == dict(list(splits.items())[1::2])


@pytest.mark.parametrize(
    "content",
    [
        {"class_names": CLASS_NAMES, "attribute_names": list(ATTRIBUTES)},
        {"class_names": CLASS_NAMES, "attribute_names": list(ATTRIBUTES), "orders": ORDERS[:9]},
        {"class_names": [*CLASS_NAMES[:9], "bags"], "attribute_names": list(ATTRIBUTES), "orders": ORDERS},
        {"class_names": CLASS_NAMES, "attribute_names": [*ATTRIBUTES[:9], "new"], "orders": ORDERS},
        None,
    ],
)
def test_unusable_labels_are_reported(folder: Path, content: dict[str, Any] | None) -> None:
    put(folder / LABELS, **content) if content else (folder / LABELS).write_bytes(b"no matlab file at all" * 20)
    reports: list[str] = []
    rows = list(read(folder, reports.append))
    assert len(rows) == 400
    assert not set(ATTRIBUTES) & set(rows[0])
    assert len(reports) == 1
    assert reports[0].startswith(f"{folder / LABELS}: ")


def test_missing_labels_and_types_are_reported_and_the_rest_is_read(folder: Path) -> None:
    (folder.parent / LABELS).unlink()
    (folder / "womens_clogs").rename(folder / "clogs")
    reports: list[str] = []
    rows = list(read(folder, reports.append))
    assert len(rows) == 360
    assert reports == [
        f"{folder}: no {LABELS}; the photos have no attributes",
        f"{folder}: no folder womens_clogs",
    ]


def test_missing_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="womens_athletic_shoes or womens_boots or"):
        rows_of(tmp_path)
