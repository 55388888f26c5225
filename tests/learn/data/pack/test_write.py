"""A folder belongs to one data set: it is made anew from the same source and kept from another's."""

from pathlib import Path

import numpy as np
import pytest

from mien.learn.data.manifest.manifest import MANIFEST, ManifestError, read_manifest
from mien.learn.data.pack.write import write
from mien.tasks import FACE

ROWS = [{"path": "a.png", "split": "train", "expression": "fear"}]


def made(out: Path, value: int, **metadata: str) -> int:
    write(out, np.full((1, 8, 8, 1), value, np.uint8), ROWS, FACE, metadata)
    return int(read_manifest(out).crops.max())


def test_the_same_source_is_made_anew(tmp_path: Path) -> None:
    assert made(tmp_path, 3, source="mine") == 3
    assert made(tmp_path, 4, source="mine") == 4


@pytest.mark.parametrize("metadata", [{"source": "yours"}, {}], ids=["other", "none"])
def test_another_source_is_refused_and_nothing_is_lost(metadata: dict[str, str], tmp_path: Path) -> None:
    made(tmp_path, 3, source="mine")
    with pytest.raises(ManifestError, match=r"holds another data set \(mine\); choose another folder"):
        made(tmp_path, 4, **metadata)
    assert read_manifest(tmp_path).crops.max() == 3
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, "crops.npy"}


def test_a_file_of_that_name_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("notes")
    with pytest.raises(ManifestError, match=r"a manifest\.parquet that mien did not write"):
        made(tmp_path, 3)
    assert (tmp_path / MANIFEST).read_text() == "notes"
