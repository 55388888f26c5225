"""Preparation of sets whose pictures are not in files: a function reads them, also in worker processes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.faces.align import align
from mien.faces.detect import Pixels
from mien.learn.data.manifest import MANIFEST, read_manifest, write_manifest
from mien.learn.data.manifest.shards import SHARDS
from mien.learn.data.pack.crops import PackOptions
from mien.learn.data.pack.prepare import prepare_manifest
from mien.learn.data.sources import digits
from mien.media.picture import MediaError
from mien.tasks import AFFECT, FACE


@pytest.fixture
def faces(tmp_path: Path, astronaut: Path) -> Path:
    """Three pictures of a face, each at another position."""
    portrait = Image.open(astronaut).convert("RGB").crop((128, 0, 384, 256)).resize((128, 128))
    for k in (0, 2, 4):
        wide = Image.new("RGB", (176, 128), (90, 90, 90))
        wide.paste(portrait, (4 * k, 0))
        wide.save(tmp_path / f"{k}.png")
    return tmp_path


def imported(folder: Path, rows: list[dict[str, Any]]) -> Path:
    write_manifest(folder / MANIFEST, rows, FACE, {"source": "made up"})
    return folder


def test_pictures_from_a_function(tmp_path: Path) -> None:
    rows = [{"path": path, "split": "train", "valence": k / 10} for k, path in enumerate(["3", "none", "5", "bad"])]

    def picture(row: dict[str, Any]) -> Pixels:
        if not row["path"].isdigit():
            raise MediaError("not a picture") if row["path"] == "bad" else FileNotFoundError("no such file")
        return np.full((20, 30, 3), int(row["path"]), np.uint8)

    options, seen = PackOptions(side=8, grey=True, shard=2), list[int]()
    problems = prepare_manifest(imported(tmp_path, rows), options, picture=picture, workers=1, advance=seen.append)
    assert problems == ["none: no such file", "bad: not a picture"]
    assert sum(seen) == 4
    manifest = read_manifest(tmp_path)
    assert manifest.table["path"].to_pylist() == ["3", "5"]
    assert manifest.shape == (1, 8, 8)
    assert manifest.images(np.arange(2)).max((1, 2, 3)).tolist() == [3, 5]
    assert manifest.column(AFFECT)[:, 0].tolist() == pytest.approx([0, 0.2])


def test_worker_processes_get_the_function(tmp_path: Path) -> None:
    rows = list(digits.read())
    for name, options, workers in (("one", PackOptions(side=8), 1), ("two", PackOptions(side=8, shard=600), 2)):
        (tmp_path / name).mkdir()
        write_manifest(tmp_path / name / MANIFEST, rows, digits.TASKS, {})
        assert prepare_manifest(tmp_path / name, options, picture=digits.picture, workers=workers) == []
    one, two = (read_manifest(tmp_path / name) for name in ("one", "two"))
    assert len([*(tmp_path / "two" / SHARDS).iterdir()]) == 3
    np.testing.assert_array_equal(one.images(np.arange(1797)), two.images(np.arange(1797)))
    expected = np.stack([digits.picture(row) for row in rows]).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(one.images(np.arange(1797)), expected)


def test_a_picture_without_a_face_is_aligned_by_the_function_too(faces: Path, tmp_path: Path) -> None:
    rows = [{"path": str(faces / name), "split": "train"} for name in ("0.png", "2.png", "4.png")]
    noise = np.random.default_rng(0).integers(0, 256, (128, 176, 3), dtype=np.uint8)

    def picture(row: dict[str, Any]) -> Pixels:
        return noise if row["path"].endswith("2.png") else np.asarray(Image.open(row["path"]))

    options = PackOptions(keep_unfound=True)
    assert prepare_manifest(imported(tmp_path, rows), options, picture=picture, workers=1) == []
    manifest = read_manifest(tmp_path)
    assert manifest.table["found"].to_pylist() == [True, False, True]
    known = [np.reshape(manifest.table["landmarks"][row].as_py(), (5, 2)) for row in (0, 2)]
    crop = manifest.images(np.array([1]))[0].transpose(1, 2, 0)
    np.testing.assert_array_equal(crop, align(noise, np.median(np.float32(known), 0)))
