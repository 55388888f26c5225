"""Packs of inputs in memory; a folder belongs to one data set and may be rewritten from the same source."""

from pathlib import Path

import numpy as np
import pytest

from mien.learn.data.manifest import MANIFEST, ManifestError, read_manifest
from mien.learn.data.pack.single_file import write
from mien.tasks import AFFECT, FACE

ROWS = [{"path": "a.png", "split": "train", "expression": "fear"}]


def write_crop(out: Path, value: int, **metadata: str) -> int:
    write(out, np.full((1, 8, 8, 1), value, np.uint8), ROWS, FACE, metadata)
    return int(read_manifest(out).crops.max())


def test_the_same_source_is_written_again(tmp_path: Path) -> None:
    assert write_crop(tmp_path, 3, source="mine") == 3
    assert write_crop(tmp_path, 4, source="mine") == 4


@pytest.mark.parametrize("metadata", [{"source": "yours"}, {}], ids=["other", "none"])
def test_another_source_is_refused_and_nothing_is_lost(metadata: dict[str, str], tmp_path: Path) -> None:
    write_crop(tmp_path, 3, source="mine")
    with pytest.raises(ManifestError, match=r"holds another data set \(mine\); choose another folder"):
        write_crop(tmp_path, 4, **metadata)
    assert read_manifest(tmp_path).crops.max() == 3
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, "crops.npy"}


def test_a_file_that_mien_did_not_write_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("notes")
    with pytest.raises(ManifestError, match=r"a manifest\.parquet that mien did not write"):
        write_crop(tmp_path, 3)
    assert (tmp_path / MANIFEST).read_text() == "notes"


def test_inputs_and_labels_stay_together(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    rows = [{"path": str(k), "split": "train", "valence": k / 10} for k in range(3)]
    write(tmp_path / "new", vectors, rows, FACE, {"licence": "made up"})
    manifest = read_manifest(tmp_path / "new")
    assert np.array_equal(manifest.images(np.array([2, 0])), vectors[[2, 0]])
    assert manifest.column(AFFECT)[:, 0].tolist() == pytest.approx([0, 0.1, 0.2])
    assert (manifest.metadata["licence"], manifest.tasks) == ("made up", FACE)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {MANIFEST, "crops.npy"}


def test_wrong_labels_or_no_rows_write_nothing(tmp_path: Path) -> None:
    wrong = [{"path": "a.png", "split": "all", "expression": "joy"}]
    with pytest.raises(ManifestError, match="row 0: expression 'joy' is not one of neutral"):
        write(tmp_path / "set", np.zeros((1, 8, 8, 3), np.uint8), wrong, FACE, {})
    with pytest.raises(ManifestError, match="no pictures to prepare"):
        write(tmp_path / "set", np.zeros((0, 8, 8, 3), np.uint8), [], FACE, {})
    assert not (tmp_path / "set").exists()
