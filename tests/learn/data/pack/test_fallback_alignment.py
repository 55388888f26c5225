"""Face crops without a detected face: their alignment, also after a kill."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from mien.faces.align import align
from mien.learn.data.manifest import MANIFEST, read_manifest, write_manifest
from mien.learn.data.pack import prepare
from mien.learn.data.pack.crops import PackOptions
from mien.learn.data.pack.prepare import prepare_manifest
from mien.tasks import FACE

HOW = PackOptions(keep_unfound=True, shard=2)
POINTS = [60.0, 50, 90, 50, 75, 65, 62, 85, 88, 85]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures with landmarks 2 pixels apart, two without faces, and a missing one."""
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


def test_they_are_aligned_by_the_median_of_the_others(folder: Path) -> None:
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


def test_after_a_kill_between_two_shards_the_files_are_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (folder / MANIFEST).read_bytes()
    prepare_manifest(folder, HOW, workers=1)
    whole = files(folder)
    (folder / MANIFEST).write_bytes(rows)
    filled, align_unfound = [], prepare.align_unfound

    def killed(*given: object) -> object:
        filled.append(1)
        return 1 / 0 if len(filled) == 3 else align_unfound(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(prepare, "align_unfound", killed)
        with pytest.raises(ZeroDivisionError):
            prepare_manifest(folder, HOW, workers=1)
    assert "crop" not in pq.read_schema(folder / MANIFEST).names
    prepare_manifest(folder, HOW, workers=1)
    assert files(folder) == whole


def test_without_any_face_there_is_no_median(folder: Path) -> None:
    blank = [{"path": "blank.png", "split": "train"}]
    write_manifest(folder / MANIFEST, blank, FACE, {})
    with pytest.raises(ValueError, match="no row has a usable face"):
        prepare_manifest(folder, HOW, workers=1)
    write_manifest(folder / MANIFEST, blank, FACE, {})
    assert prepare_manifest(folder, replace(HOW, side=16), workers=1) == []
