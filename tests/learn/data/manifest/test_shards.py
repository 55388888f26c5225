"""Shards act as one array; missing and unequal ones are refused."""

from pathlib import Path

import numpy as np
import pytest

from mien.learn.data.manifest import MANIFEST, PACK, ManifestError, read_manifest, shards, write_manifest
from mien.learn.data.manifest.shards import SHARDS, Shards, shard_path
from mien.tasks import FACE


@pytest.fixture
def whole(tmp_path: Path) -> np.ndarray:
    """Eleven crops, in shards of 4, 3 and 4."""
    crops = np.random.default_rng(0).integers(0, 256, (11, 6, 6, 3), dtype=np.uint8)
    (tmp_path / SHARDS).mkdir()
    for number, part in enumerate(np.split(crops, [4, 7])):
        np.save(shard_path(tmp_path / SHARDS, number), part)
    return crops


@pytest.mark.parametrize(
    "rows", [[10, 0, 4, 3, 6, 7, 0], [], slice(2, 9, 3), slice(None), [-1], [True, False] * 5 + [True]]
)
def test_indexing_equals_that_of_one_array(rows: object, whole: np.ndarray, tmp_path: Path) -> None:
    wanted = np.array(rows, int) if rows == [] else rows
    np.testing.assert_array_equal(Shards(tmp_path / SHARDS)[wanted], whole[wanted])


def test_one_row_and_the_shape(whole: np.ndarray, tmp_path: Path) -> None:
    pack = Shards(tmp_path / SHARDS)
    np.testing.assert_array_equal(pack[5], whole[5])
    assert (pack.shape, pack.ndim, len(pack), pack.dtype) == (whole.shape, 4, 11, np.uint8)
    with pytest.raises(IndexError):
        pack[11]


def test_few_shards_are_open_at_once(whole: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "OPEN", 1)
    pack = Shards(tmp_path / SHARDS)
    np.testing.assert_array_equal(pack[[0, 5, 10, 1]], whole[[0, 5, 10, 1]])
    assert pack._open.cache_info().currsize == 1


def manifest(folder: Path, count: int) -> Path:
    rows = [{"path": f"{row}.png", "split": "train", "crop": row} for row in range(count)]
    write_manifest(folder / MANIFEST, rows, FACE, {})
    return folder


def test_a_manifest_opens_its_shards(whole: np.ndarray, tmp_path: Path) -> None:
    read = read_manifest(manifest(tmp_path, 11))
    assert read.shape == (3, 6, 6)
    np.testing.assert_array_equal(read.images(np.array([9, 2])), whole[[9, 2]].transpose(0, 3, 1, 2))


def test_a_single_file_takes_precedence(whole: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / PACK, np.zeros((11, 4, 4, 1), np.uint8))
    assert read_manifest(manifest(tmp_path, 11)).shape == (1, 4, 4)


def test_missing_and_unequal_shards_are_named(whole: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"row 11: crop 11 is not in the pack \(0 to 10\)"):
        read_manifest(manifest(tmp_path, 12))
    shard_path(tmp_path / SHARDS, 1).rename(tmp_path / "away")
    with pytest.raises(ManifestError, match=r"00001\.npy: the shard cannot be read"):
        read_manifest(manifest(tmp_path, 8))
    np.save(shard_path(tmp_path / SHARDS, 1), np.zeros((3, 5, 6, 3), np.uint8))
    with pytest.raises(ManifestError, match=r"00001\.npy: holds uint8 of shape \(3, 5, 6, 3\), unlike the first shard"):
        read_manifest(tmp_path)
    for path in (tmp_path / SHARDS).iterdir():
        path.unlink()
    with pytest.raises(ManifestError, match="no shards found"):
        read_manifest(tmp_path)
