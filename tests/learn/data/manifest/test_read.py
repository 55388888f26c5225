"""Manifests are read as they were written, and errors are named with their row."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mien.learn.data.manifest import MANIFEST, PACK, ManifestError, read_manifest, write_manifest
from mien.learn.data.manifest.pack import CHUNK
from mien.tasks import ACTION_UNITS, AFFECT, COMPOUND, EXPRESSION, FACE

CROPS = np.arange(4, dtype=np.uint8)[:, None, None, None] + np.zeros((4, 112, 112, 3), np.uint8)
Write = Callable[..., Path]


def test_labels_and_nulls_come_back(tmp_path: Path, make_set: Write) -> None:
    rows: list[dict[str, Any]] = [
        {"expression": "fear", "AU01": 1, "AU26": 0, "valence": -0.25},
        {"expression": None, "AU01": None, "AU26": 1, "valence": 1.0},
        {"expression": "neutral", "arousal": 0.5, "split": "valid"},
    ]
    manifest = read_manifest(make_set(tmp_path, rows, CROPS, licence="made up"))
    assert len(manifest) == 3
    assert manifest.tasks == FACE
    assert set(manifest.metadata) == {"format", "licence", "mien", "checksum"}
    assert manifest.metadata["licence"] == "made up"
    assert manifest.column(EXPRESSION).tolist() == pytest.approx([3, np.nan, 0], nan_ok=True)
    units = manifest.column(ACTION_UNITS)
    assert units.shape == (3, 17)
    assert units[:, 0].tolist() == pytest.approx([1, np.nan, np.nan], nan_ok=True)
    assert units[:, 16].tolist() == pytest.approx([0, 1, np.nan], nan_ok=True)
    assert np.isnan(units[:, 1:16]).all()
    affect = np.array([[-0.25, np.nan], [1, np.nan], [np.nan, 0.5]])
    assert np.array_equal(manifest.column(AFFECT), affect, equal_nan=True)
    assert np.isnan(manifest.column(COMPOUND)).all()
    assert manifest.column(EXPRESSION).dtype == units.dtype == np.float32


def test_a_label_that_only_later_rows_have_is_kept(tmp_path: Path, make_set: Write) -> None:
    manifest = read_manifest(make_set(tmp_path, [{}, {"expression": "anger", "AU04": 1}], CROPS))
    assert manifest.column(EXPRESSION)[1] == 4
    assert manifest.column(ACTION_UNITS)[1, 2] == 1


def test_votes_are_the_label_unless_the_hard_one_is_requested(tmp_path: Path, make_set: Write) -> None:
    shares = dict.fromkeys(EXPRESSION.labels, 0.0) | {"fear": 0.75, "surprise": 0.25}
    manifest = read_manifest(make_set(tmp_path, [{"expression": "fear", **shares}], CROPS))
    assert manifest.column(EXPRESSION).tolist() == [[0, 0, 0, 0.75, 0, 0.25, 0]]
    assert manifest.column(EXPRESSION, hard=True).tolist() == [3]


def test_a_hard_label_among_votes_gets_the_share_1(tmp_path: Path, make_set: Write) -> None:
    shares = dict.fromkeys(EXPRESSION.labels, 0.0) | {"fear": 0.75, "surprise": 0.25}
    manifest = read_manifest(make_set(tmp_path, [{**shares}, {"expression": "anger"}, {"expression": None}], CROPS))
    column = manifest.column(EXPRESSION)
    assert column[1].tolist() == [0, 0, 0, 0, 1, 0, 0]
    assert np.isnan(column[2]).all()


def test_votes_for_some_classes_only_are_refused(tmp_path: Path, make_set: Write) -> None:
    with pytest.raises(ManifestError, match="votes for fear but no column neutral, happiness"):
        make_set(tmp_path, [{"fear": 1.0}], CROPS)


def test_an_empty_column_has_no_labels(tmp_path: Path, make_set: Write) -> None:
    manifest = read_manifest(make_set(tmp_path, [{"expression": None, "valence": None}], CROPS))
    assert np.isnan(manifest.column(EXPRESSION)).all()
    assert np.isnan(manifest.column(AFFECT)).all()


def test_a_split_keeps_labels_and_crops_together(tmp_path: Path, make_set: Write) -> None:
    rows = [{"valence": row / 10, "split": "valid" if row % 2 else "train", "crop": 3 - row} for row in range(4)]
    valid = read_manifest(make_set(tmp_path, rows, CROPS)).split("valid")
    assert valid.column(AFFECT)[:, 0].tolist() == pytest.approx([0.1, 0.3])
    images = valid.images(np.array([1, 0]))
    assert images.shape == (2, 3, 112, 112)
    assert images[:, 0, 0, 0].tolist() == [0, 2]


def test_a_missing_split_is_refused_and_the_others_listed(tmp_path: Path, make_set: Write) -> None:
    manifest = read_manifest(make_set(tmp_path, [{}, {"split": "valid"}], CROPS))
    with pytest.raises(ManifestError, match=r"no rows of split 'test' \(there are 'train', 'valid'\)"):
        manifest.split("test")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"valence": -1.5}, r"row 2: valence -1\.5 is outside \[-1, 1\] \(1 such rows\)"),
        ({"AU12": 1.01}, r"row 2: AU12 1\.01 is outside \[0, 1\]"),
        ({"AU12": -0.01}, r"row 2: AU12 -0\.01 is outside \[0, 1\]"),
        ({"arousal": float("nan")}, r"row 2: arousal nan is outside \[-1, 1\]"),
        ({"arousal": float("inf")}, r"row 2: arousal inf is outside \[-1, 1\]"),
        ({"expression": "joy"}, "row 2: expression 'joy' is not one of neutral, happiness, sadness"),
        ({"expression": ""}, "row 2: expression '' is not one of"),
        ({"fear": 1.5}, r"row 2: fear 1\.5 is outside \[0, 1\]"),
        ({"fear": 0.1}, r"row 2: neutral 0\.0 and the other shares of expression do not sum to 1"),
        ({"valence": "high"}, "row 2: valence 'high' is not a number"),
        ({"expression": 3}, "row 2: expression 3 is not text"),
        ({"frame": -1}, "row 2: frame -1 is negative"),
        ({"width": 0.0}, r"row 2: width 0\.0 is not positive"),
        ({"landmarks": [1.0, 2.0]}, r"row 2: landmarks \[1\.0, 2\.0\] are not 10 numbers"),
        ({"AU12_intensity": 6}, r"row 2: AU12_intensity 6\.0 is outside \[0, 5\]"),
    ],
)
def test_a_wrong_label_is_named_with_its_row(
    wrong: dict[str, Any], message: str, tmp_path: Path, make_set: Write
) -> None:
    votes = dict.fromkeys(EXPRESSION.labels, 0.0) | {"fear": 0.5, "anger": 0.5}
    right = {"valence": 0.1, "arousal": 0.2, "AU12": 1.0, "expression": "fear", **votes}
    with pytest.raises(ManifestError, match=message) as caught:
        make_set(tmp_path, [right, right, right | wrong, right], CROPS)
    assert str(tmp_path / MANIFEST) in str(caught.value)
    assert not (tmp_path / MANIFEST).exists()


def test_labels_are_checked_on_reading_too(tmp_path: Path, make_set: Write) -> None:
    make_set(tmp_path, [{"valence": 0.5}], CROPS)
    table = pq.read_table(tmp_path / MANIFEST)
    changed = table.set_column(table.column_names.index("valence"), "valence", pa.array([5.0]))
    pq.write_table(changed, tmp_path / MANIFEST)
    with pytest.raises(ManifestError, match=r"row 0: valence 5\.0 is outside"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("crop", [-1, 4, None])
def test_a_crop_outside_the_pack_is_refused(crop: int | None, tmp_path: Path, make_set: Write) -> None:
    make_set(tmp_path, [{}, {"crop": crop}], CROPS)
    with pytest.raises(ManifestError, match=rf"row 1: crop {crop} is not in the pack \(0 to 3\)"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("column", ["crop", "split"])
def test_a_missing_column_is_named(column: str, tmp_path: Path) -> None:
    np.save(tmp_path / PACK, CROPS)
    row: dict[str, Any] = {"path": "a.png", "split": "train", "crop": 0}
    del row[column]
    write_manifest(tmp_path / MANIFEST, [row], FACE, {})
    with pytest.raises(ManifestError, match=f"has no column {column}") as caught:
        read_manifest(tmp_path)
    assert column == "split" or f"`mien data prepare {tmp_path}` creates it" in str(caught.value)


def test_a_manifest_without_rows_is_refused(tmp_path: Path, make_set: Write) -> None:
    with pytest.raises(ManifestError, match="has no rows"):
        read_manifest(make_set(tmp_path, [], CROPS))


@pytest.mark.parametrize("shape", [(48, 48, 3), (30, 20, 1), (1, 1, 3)])
def test_pictures_may_have_any_size(shape: tuple[int, int, int], tmp_path: Path, make_set: Write) -> None:
    pack = np.random.default_rng(0).integers(0, 256, (4, *shape)).astype(np.uint8)
    manifest = read_manifest(make_set(tmp_path, [{"crop": 2}, {"crop": 0}], pack))
    height, width, channels = shape
    assert manifest.shape == (channels, height, width)
    images = manifest.images(np.array([1, 0]))
    assert images.dtype == np.uint8
    assert images.shape == (2, *manifest.shape)
    for row, crop in ((0, 0), (1, 2)):
        for channel in range(channels):
            assert np.array_equal(images[row, channel], pack[crop, :, :, channel])


def test_inputs_may_be_feature_vectors(tmp_path: Path, make_set: Write) -> None:
    pack = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    manifest = read_manifest(make_set(tmp_path, [{}, {}, {}], pack))
    assert manifest.shape == (5,)
    assert np.array_equal(manifest.images(np.array([2, 0])), pack[[2, 0]])
    assert manifest.images(np.array([0])).dtype == np.float32
    assert manifest.split("train").shape == (5,)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_feature_vector_that_is_not_finite_is_named(value: float, tmp_path: Path, make_set: Write) -> None:
    pack = np.zeros((CHUNK + 3, 2), np.float32)
    pack[CHUNK + 1, 1] = value
    with pytest.raises(ManifestError, match=rf"crops\.npy: feature vector {CHUNK + 1} holds NaN or infinity"):
        read_manifest(make_set(tmp_path, [{}], pack))


@pytest.mark.parametrize(
    "crops",
    [
        CROPS[..., :2],
        CROPS[0],
        CROPS.astype(np.float32),
        CROPS[:, :0],
        np.zeros((4, 5)),
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 0), np.float32),
        np.zeros(4, np.float32),
    ],
    ids=["channels", "dimensions", "dtype", "no height", "double", "bytes", "no length", "scalars"],
)
def test_a_pack_of_anything_else_is_refused(crops: np.ndarray, tmp_path: Path, make_set: Write) -> None:
    make_set(tmp_path, [{}], crops)
    with pytest.raises(ManifestError, match=r"crops\.npy: holds .* expected uint8, N x height x width x 1 or 3"):
        read_manifest(tmp_path)


def test_a_missing_or_damaged_pack_is_named(tmp_path: Path, make_set: Write) -> None:
    make_set(tmp_path, [{}], CROPS)
    (tmp_path / PACK).write_bytes(b"no numpy array")
    with pytest.raises(ManifestError, match=r"crops\.npy: the pack cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / PACK).unlink()
    with pytest.raises(ManifestError, match=r"crops\.npy: the pack cannot be read"):
        read_manifest(tmp_path)


def test_files_that_are_not_manifests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.parquet: no such file"):
        read_manifest(tmp_path / MANIFEST)
    pq.write_table(pa.table({"path": ["a.png"]}), tmp_path / MANIFEST)
    with pytest.raises(ManifestError, match=r"manifest\.parquet: not a mien manifest"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text("path,split\n")
    with pytest.raises(ManifestError, match=r"manifest\.parquet: not a mien manifest"):
        read_manifest(tmp_path)


def test_excluded_rows_are_skipped_unless_requested(tmp_path: Path, make_set: Write) -> None:
    rows = [{"valence": row / 10, "excluded": "rule" if row == 1 else None} for row in range(3)]
    folder = make_set(tmp_path, rows, CROPS)
    assert read_manifest(folder).column(AFFECT)[:, 0].tolist() == pytest.approx([0, 0.2])
    assert read_manifest(folder).images(np.array([1]))[0, 0, 0, 0] == 2
    assert len(read_manifest(folder, excluded=True)) == 3
    with pytest.raises(ManifestError, match="every row is excluded"):
        read_manifest(make_set(tmp_path / "none", [{"excluded": "rule"}], CROPS))
