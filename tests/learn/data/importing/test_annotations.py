"""A network's predictions become a manifest, and another network is trained on it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner, Result

import mien
from mien.annotate.pipeline import Annotator
from mien.cli.app import app
from mien.learn.data.importing import annotations
from mien.learn.data.importing.annotations import AnnotatedSet
from mien.learn.data.manifest import Manifest, ManifestError, read_manifest, read_metadata
from mien.tasks import ACTION_UNITS, AFFECT, EXPRESSION, FACE, Kind, Task


@pytest.fixture
def photos(tmp_path: Path, astronaut: Path) -> Path:
    """Five pictures of a face in different light, and one without a face."""
    (tmp_path / "photos").mkdir()
    face = np.asarray(Image.open(astronaut).convert("RGB"))[:256, 96:352]
    for index in range(5):
        light = (face * np.array([1 - 0.15 * index, 1 - 0.1 * index, 1])).astype(np.uint8)
        Image.fromarray(light).save(tmp_path / "photos" / f"{index}.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "photos" / "none.png")
    return tmp_path / "photos"


def annotate(photos: Path, network: Path, folder: Path, *options: str) -> Result:
    table = str(folder.with_suffix(".csv"))
    words = ["annotate", str(photos), "--model", str(network), "--as-manifest", str(folder), "--out", table, *options]
    return CliRunner().invoke(app, words)


def manifest_of(photos: Path, network: Path, folder: Path) -> Manifest:
    result = annotate(photos, network, folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"5 faces to train on: {folder}" in result.stdout
    return read_manifest(folder)


def test_labels_and_crops_are_those_of_the_annotator(photos: Path, network: Path, tmp_path: Path) -> None:
    manifest = manifest_of(photos, network, tmp_path / "soft")
    assert manifest.tasks == FACE
    assert manifest.table["path"].to_pylist() == [str(photos / f"{index}.png") for index in range(5)]
    table = mien.annotate(photos, model=network).slice(0, 5)
    for task in FACE:
        expected = np.stack([table[label].to_numpy() for label in task.labels], 1)
        assert np.allclose(manifest.column(task), expected, atol=1e-6), task.name
    assert manifest.table["expression"].to_pylist() == table["expression"].to_pylist()
    crops = manifest.images(np.arange(5)).transpose(0, 2, 3, 1)
    again = Annotator(network).predict(np.ascontiguousarray(crops))
    assert np.allclose(again["action_units"], manifest.column(ACTION_UNITS), atol=1e-6)
    assert len(np.unique(manifest.column(AFFECT)[:, 0])) == 5
    assert manifest.table["landmarks"][0].as_py()[0] == pytest.approx(table["right_eye_x"][0].as_py())


def test_the_metadata_names_the_network(photos: Path, network: Path, tmp_path: Path) -> None:
    metadata = manifest_of(photos, network, tmp_path / "soft").metadata
    assert metadata["weak"] == {task.name: "predicted by tiny, not annotated" for task in FACE}
    assert metadata["network"] == {"name": "tiny", "version": "0.1.0"}
    assert (metadata["source"], metadata["alignment"]["size"]) == ("faces annotated by tiny", 112)


def test_a_network_learns_from_it(photos: Path, network: Path, tmp_path: Path) -> None:
    manifest_of(photos, network, tmp_path / "soft")
    recipe = {
        "name": "pupil",
        "network": {"FaceBehaviorNet": {"width": 8, "depth": [1, 1]}},
        "data": [{"manifest": str(tmp_path / "soft")}],
        "epochs": 2,
        "batch_size": 5,
        "validation": {"manifest": str(tmp_path / "soft"), "split": "train"},
        "precision": "fp32",
    }
    (tmp_path / "pupil.yaml").write_text(yaml.safe_dump(recipe))
    result = CliRunner().invoke(app, ["train", str(tmp_path / "pupil.yaml"), "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    for task in FACE:
        assert result.stdout.count(f"{task.name} ") == 2, result.stdout


def test_shards_are_one_pack(photos: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = manifest_of(photos, network, tmp_path / "whole")
    monkeypatch.setattr(annotations, "SHARD", 2)
    parts = manifest_of(photos, network, tmp_path / "parts")
    assert sorted(path.name for path in (tmp_path / "parts" / "crops").iterdir()) == [
        "00000.npy",
        "00001.npy",
        "00002.npy",
    ]
    assert (parts.images(np.arange(5)) == whole.images(np.arange(5))).all()
    assert parts.table.equals(whole.table)


def test_an_interrupted_run_keeps_its_rows(photos: Path, network: Path, tmp_path: Path) -> None:
    annotator = Annotator(network, batch_size=1)

    def interrupted() -> None:
        with AnnotatedSet(tmp_path / "soft", annotator.model, pytest.fail) as faces:
            for count, result in enumerate(annotator.stream(photos)):
                if count == 3:
                    raise KeyboardInterrupt
                faces.write(result)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(read_manifest(tmp_path / "soft")) == 3


def test_only_annotations_of_the_same_network_are_replaced(photos: Path, network: Path, tmp_path: Path) -> None:
    manifest_of(photos, network, tmp_path / "soft")
    refused = annotate(photos, network, tmp_path / "soft", "--overwrite")
    assert refused.exit_code == 0
    (tmp_path / "soft.csv").unlink()
    refused = annotate(photos, network, tmp_path / "soft")
    assert refused.exit_code == 2
    assert refused.stderr == f"mien: {tmp_path / 'soft'}: is not empty (use --overwrite to replace its contents)\n"
    other = Annotator(network).model
    other.name = "another"
    with pytest.raises(ManifestError, match="holds another data set"):
        AnnotatedSet(tmp_path / "soft", other, pytest.fail, overwrite=True)
    assert len(read_manifest(tmp_path / "soft")) == 5


def test_without_a_face_there_is_no_manifest(photos: Path, network: Path, tmp_path: Path) -> None:
    result = annotate(photos / "none.png", network, tmp_path / "soft")
    assert (result.exit_code, "0 faces to train on" in result.stdout) == (0, True)
    assert [*(tmp_path / "soft").iterdir()] == []


def test_a_row_without_a_valid_label_is_skipped_and_reported(
    photos: Path, make_network: Callable[..., Path], tmp_path: Path
) -> None:
    network = make_network(tmp_path / "own.onnx", (Task("mood", Kind.CONTINUOUS, ("mood",), ("a mood",)),))
    annotator = Annotator(network)
    reported: list[str] = []
    with AnnotatedSet(tmp_path / "soft", annotator.model, reported.append) as faces:
        for index, result in enumerate(annotator.stream(photos)):
            if index == 1:
                result.rows[0]["mood"] = float("nan")
            faces.write(result)
    assert (faces.faces, faces.skipped, len(reported)) == (4, 1, 1)
    assert reported[0].startswith(f"{photos / '1.png'}: mood nan is outside [-1, 1]")
    assert read_metadata(tmp_path / "soft")[1] == annotator.model.tasks
    assert read_manifest(tmp_path / "soft").table["crop"].to_pylist() == [0, 2, 3, 4]


def test_the_class_has_the_largest_share(photos: Path, network: Path, tmp_path: Path) -> None:
    manifest = manifest_of(photos, network, tmp_path / "soft")
    shares = manifest.column(EXPRESSION)
    assert np.allclose(shares.sum(1), 1, atol=1e-5)
    assert (manifest.column(EXPRESSION, hard=True) == shares.argmax(1)).all()
