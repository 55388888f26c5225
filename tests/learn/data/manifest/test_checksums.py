"""Checksums change with the labels and with nothing else."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mien.learn.data.manifest.checksums import SAMPLES, label_checksum, pack_checksum
from mien.tasks import FACE

COLUMNS = {
    "path": ["a", "b", None, "d"],
    "split": ["train", "train", "valid", "valid"],
    "crop": [0, 1, 2, 3],
    "expression": [None, None, None, "fear"],
    "valence": [0.5, None, -0.5, None],
}


def total(parts: tuple[int, ...] = (4,), **changes: list[object]) -> str:
    table, start, tables = pa.table({**COLUMNS, **changes}), 0, []
    for length in parts:
        tables.append(table.slice(start, length))
        start += length
    return label_checksum(tables, FACE)


@pytest.mark.parametrize("parts", [(1, 3), (3, 1), (1, 1, 1, 1), (0, 4)])
def test_row_groups_do_not_matter(parts: tuple[int, ...]) -> None:
    assert total(parts) == total()


def test_columns_of_nulls_and_other_columns_do_not_matter() -> None:
    assert total(AU01=[None] * 4) == total(note=[1, 2, 3, 4]) == total()
    table = pa.table(COLUMNS)
    first = table.slice(0, 3).drop_columns(["expression"])  # these rows have none
    assert label_checksum([first, table.slice(3)], FACE) == total()


@pytest.mark.parametrize(
    "change",
    [
        {"valence": [0.5, None, -0.5, 0.0]},
        {"valence": [None, 0.5, -0.5, None]},
        {"expression": [None, None, "fear", None]},
        {"path": ["ab", "", None, "d"]},
        {"path": ["a", "b", "", "d"]},
        {"split": ["train", "train", "train", "valid"]},
        {"crop": [0, 1, 3, 2]},
        {"excluded": [None, "rule", None, None]},
        {"AU01": [0.0, None, None, None]},
    ],
)
def test_every_change_counts(change: dict[str, list[object]]) -> None:
    assert total(**change) != total()


def test_a_pack_is_recognised_by_its_shape_and_samples(tmp_path: Path) -> None:
    path = tmp_path / "crops.npy"
    assert pack_checksum(path) is None
    pack = np.random.default_rng(0).integers(0, 256, (SAMPLES * 4, 2, 2, 1)).astype(np.uint8)
    found = set()
    for other in (pack, pack[::-1], pack[:-1], pack.reshape(-1, 4, 1, 1), np.roll(pack, 1, axis=0)):
        np.save(path, other)
        found.add(pack_checksum(path))
    assert len(found) == 5
    np.save(path, pack)
    assert pack_checksum(path) in found
    path.write_bytes(b"no pack")
    assert pack_checksum(path) is None
