"""Face crops without a detected face: where they are aligned, and that a kill in between does no harm."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mien.faces.align import align
from mien.learn.data.manifest.manifest import MANIFEST, read_manifest, write_manifest
from mien.learn.data.pack import prepare as preparing
from mien.learn.data.pack.crops import PackOptions
from mien.learn.data.pack.prepare import prepare_manifest
from mien.tasks import FACE

HOW = PackOptions(keep_unfound=True, shard=2)
POINTS = [60.0, 50, 90, 50, 75, 65, 62, 85, 88, 85]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures with landmarks that differ by 2 pixels, two with nothing to be found, one that is not there."""
    generator = np.random.default_rng(0)
    rows = []
    for name, shift in (("a", 0), ("blank", None), ("b", 2), ("c", 6), ("gone", None), ("dark", None)):
        if name != "gone":
            smooth = Image.fromarray(generator.integers(0, 80, (4, 5, 3), np.uint8)).resize((150, 128))
            smooth.save(tmp_path / f"{name}.png")
        points = None if shift is None else [value + shift for value in POINTS]
        rows.append({"path": f"{name}.png", "split": "train", "landmarks": points})
    write_manifest(tmp_path / MANIFEST, rows, FACE, {})
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_they_lie_where_the_middle_of_the_others_is(folder: Path) -> None:
    assert prepare_manifest(folder, HOW, workers=1) == ["gone.png: no such file"]
    manifest = read_manifest(folder)
    names = manifest.table["path"].to_pylist()
    assert names == ["a.png", "blank.png", "b.png", "c.png", "dark.png"]
    assert manifest.table["found"].to_pylist() == [True, False, True, True, False]
    assert manifest.table["landmarks"].to_pylist()[1] is None
    middle = np.reshape(POINTS, (5, 2)) + 2
    for name in ("blank.png", "dark.png"):
        crop = manifest.images(np.array([names.index(name)]))[0].transpose(1, 2, 0)
        expected = align(np.asarray(Image.open(folder / name)), middle.astype(np.float32))
        np.testing.assert_array_equal(crop, expected)


def test_killed_between_two_shards_it_ends_with_the_same_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (folder / MANIFEST).read_bytes()
    prepare_manifest(folder, HOW, workers=1)
    whole = files(folder)
    (folder / MANIFEST).write_bytes(rows)
    filled, fill = [], preparing.fill

    def killed(*given: object) -> object:
        filled.append(1)
        return 1 / 0 if len(filled) == 3 else fill(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(preparing, "fill", killed)
        with pytest.raises(ZeroDivisionError):
            prepare_manifest(folder, HOW, workers=1)
    assert "crop" not in pq.read_schema(folder / MANIFEST).names
    prepare_manifest(folder, HOW, workers=1)
    assert files(folder) == whole


def test_without_a_single_face_there_is_no_middle(folder: Path) -> None:
    blank = [{"path": "blank.png", "split": "train"}]
    write_manifest(folder / MANIFEST, blank, FACE, {})
    with pytest.raises(ValueError, match="no row has a face"):
        prepare_manifest(folder, HOW, workers=1)
    write_manifest(folder / MANIFEST, blank, FACE, {})
    assert prepare_manifest(folder, replace(HOW, side=16), workers=1) == []
