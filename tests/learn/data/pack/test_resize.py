"""Whole pictures: their size, their proportions, and what is said of those that cannot be read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.faces.detect import Pixels
from mien.learn.data.manifest.manifest import Manifest, ManifestError, read_manifest
from mien.learn.data.pack.resize import Fit, fitted, pack
from mien.media.picture import MediaError
from mien.tasks import Kind, Task

KIND = Task("kind", Kind.CLASSES, ("bright", "dark"), ("", ""))

PICTURES: dict[str, Pixels | Exception] = {
    "bright.png": np.full((40, 60, 3), 250, np.uint8),
    "broken.png": MediaError("not a picture"),
    "dark.png": np.full((50, 20, 3), (10, 20, 30), np.uint8),
    "gone.png": FileNotFoundError("no such file"),
}
ROWS = [{"path": name, "split": "all", "kind": name.split(".")[0]} for name in PICTURES]
ROWS[1]["kind"] = ROWS[3]["kind"] = "dark"


def read(row: dict[str, Any]) -> Pixels:
    found = PICTURES[row["path"]]
    if isinstance(found, Exception):
        raise found
    return found


def run(out: Path, **options: Any) -> tuple[list[str], Manifest]:
    left_out = pack(ROWS, read, out, side=24, tasks=[KIND], metadata={"licence": "made up"}, **options)
    return left_out, read_manifest(out)


@pytest.fixture
def halves() -> Pixels:
    """40 x 80: the left quarter is black, the right one white, the middle grey."""
    picture = np.full((40, 80, 3), 100, np.uint8)
    picture[:, :20], picture[:, 60:] = 0, 255
    return picture


@pytest.mark.parametrize(
    ("fit", "row", "column"),
    [
        ("squash", [0, 100, 100, 255], [100] * 4),
        ("crop", [100] * 4, [100] * 4),
        ("pad", [0, 100, 100, 255], [0, 100, 100, 0]),
    ],
)
def test_a_picture_that_is_no_square(fit: Fit, row: list[int], column: list[int], halves: Pixels) -> None:
    found = fitted(halves, 40, fit=fit)
    assert found.shape == (40, 40, 3)
    assert found[20, 5::10, 0].tolist() == row
    assert found[5::10, 20, 0].tolist() == column
    turned = fitted(halves.transpose(1, 0, 2), 40, fit=fit)
    assert np.array_equal(turned.transpose(1, 0, 2), found)


def test_scaling_down_averages_what_lies_between() -> None:
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[:, ::2] = 200
    assert (np.abs(fitted(stripes, 20)[2:-2, 2:-2].astype(int) - 100) <= 2).all()


def test_a_picture_of_the_right_size_is_left_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    for fit in ("squash", "crop", "pad"):
        assert np.array_equal(fitted(picture, 24, fit=fit), picture)  # type: ignore[arg-type]


def test_grey_is_the_luma() -> None:
    picture = np.full((24, 24, 3), (200, 100, 50), np.uint8)
    found = fitted(picture, 24, grey=True)
    assert found.shape == (24, 24, 1)
    assert abs(int(found[0, 0, 0]) - (0.299 * 200 + 0.587 * 100 + 0.114 * 50)) <= 1


def test_labels_and_pictures_stay_together_and_failures_are_listed(tmp_path: Path) -> None:
    left_out, manifest = run(tmp_path / "set")
    assert left_out == ["broken.png: not a picture", "gone.png: no such file"]
    assert manifest.table["path"].to_pylist() == ["bright.png", "dark.png"]
    assert manifest.shape == (3, 24, 24)
    assert manifest.images(np.array([0, 1]))[:, :, 12, 12].tolist() == [[250] * 3, [10, 20, 30]]
    assert manifest.column(KIND).tolist() == [0, 1]
    assert manifest.metadata["licence"] == "made up"
    assert {path.name for path in (tmp_path / "set").iterdir()} == {"manifest.parquet", "crops.npy"}


def test_a_grey_set_has_one_channel(tmp_path: Path) -> None:
    assert run(tmp_path, grey=True)[1].shape == (1, 24, 24)


def test_progress_sees_every_picture(tmp_path: Path) -> None:
    seen: list[int] = []
    run(tmp_path, advance=seen.append)
    assert seen == [1] * 4


def test_nothing_is_written_for_wrong_labels_or_none(tmp_path: Path) -> None:
    wrong = [{"path": "bright.png", "split": "all", "kind": "light"}]
    with pytest.raises(ManifestError, match="row 0: kind 'light' is none of bright, dark"):
        pack(wrong, read, tmp_path / "set", side=24, tasks=[KIND], metadata={})
    with pytest.raises(ManifestError, match="there are no pictures"):
        pack([], read, tmp_path / "set", side=24, tasks=[KIND], metadata={})
    assert not (tmp_path / "set").exists()


def test_a_killed_run_leaves_the_old_set_whole(tmp_path: Path) -> None:
    run(tmp_path)

    def broken(_: dict[str, Any]) -> Pixels:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        pack(ROWS, broken, tmp_path, side=30, tasks=[KIND], metadata={})
    assert read_manifest(tmp_path).shape == (3, 24, 24)
